#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/outcomes.h"
#include "cli/run.h"

namespace penstock {

int run_retry(const RetryOptions& options) {
  std::vector<Outcome> outcomes = outcomes_named(options.outcomes);
  if (options.failed)
    for (const Outcome outcome : all_outcomes)
      if (is_failure(outcome)) outcomes.push_back(outcome);
  if (outcomes.empty() && options.keys.empty())
    throw FatalError("retry what? --failed, --outcome NAME, or the documents' keys");

  Interrupt interrupt;
  Engine engine(options.engine);
  Store store = open_store_for_writing(options.store, engine);
  if (const auto put_back = store.ledger->put_back(outcomes); !put_back)
    throw FatalError(put_back.error().message);
  for (const std::string& key : options.keys) {
    const auto known = store.ledger->find(key);
    if (!known) throw FatalError(known.error().message);
    if (!*known)
      throw FatalError(key + ": no such document; penstock status --outcome done lists keys");
    if (const auto put_back = store.ledger->put_back(key); !put_back)
      throw FatalError(put_back.error().message);
  }

  return process_pending(engine, store, options.store, interrupt, options.json);
}

}  // namespace penstock
