// A fleet, its queue and its quota, for a person and for a machine.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/json.h"
#include "engine/io/broker.h"
#include "engine/io/shared_budget.h"

namespace penstock {

struct FleetState {
  BrokerState queue;
  std::vector<WorkerReport> workers;
  std::vector<BudgetUse> quotas;  // that the workers share
};

// Lines of at most so many columns where there is a bound of at least 80: then what does not fit of
// a worker's name is left out of its middle.
std::string fleet_text(const FleetState& fleet, std::optional<std::size_t> columns);

// {"lanes": {...}, "dead": n, "workers": [...], "rates": {...}, "quotas": [...]}
Json fleet_json(const FleetState& fleet);

}  // namespace penstock
