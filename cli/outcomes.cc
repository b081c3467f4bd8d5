#include "cli/outcomes.h"

#include <optional>

#include "engine/core/error.h"

namespace penstock {

std::vector<Outcome> outcomes_named(const std::vector<std::string>& names) {
  std::vector<Outcome> outcomes;
  for (const std::string& name : names) {
    const std::optional<Outcome> outcome = outcome_named(name);
    if (!outcome) {
      std::string message = "--outcome ";
      message.append(name).append(": no such outcome; there are");
      for (const Outcome each : all_outcomes) message.append(" ").append(name_of(each));
      throw FatalError(message);
    }
    outcomes.push_back(*outcome);
  }
  return outcomes;
}

}  // namespace penstock
