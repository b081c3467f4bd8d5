// What a fleet shares, chosen by URL: its broker.
#pragma once

#include <memory>
#include <string>

#include "cli/options.h"
#include "engine/io/broker.h"

namespace penstock {

// Throws FatalError when the URL is none, or nobody answers there.
std::unique_ptr<Broker> open_broker(const FleetOptions& options, const BrokerOptions& broker);

// HOST-PROCESS-RANDOM: no other worker has it.
std::string new_worker_name();

}  // namespace penstock
