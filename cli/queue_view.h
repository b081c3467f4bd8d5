// A fleet's queue and workers, for a person and for a machine.
#pragma once

#include <vector>

#include "cli/json.h"
#include "engine/io/broker.h"

namespace penstock {

void print_queue(const BrokerState& state, const std::vector<WorkerReport>& workers);

// {"lanes": {...}, "dead": n, "workers": [...]}
Json queue_json(const BrokerState& state, const std::vector<WorkerReport>& workers);

}  // namespace penstock
