// What every broker must do (engine/io/broker.h).
#pragma once

#include <functional>
#include <memory>

#include "engine/io/broker.h"

namespace penstock {

struct BrokerWorld {
  // Opens the same queue each time, for another process; at first it is empty.
  std::function<std::unique_ptr<Broker>(const BrokerOptions& options)> open;
  // As if time had passed: every lease that was not renewed since has ended ...
  std::function<void()> end_leases;
  // ... and every document that waits for another attempt is due.
  std::function<void()> end_delays;
};

void run_broker_contract(const BrokerWorld& world);

}  // namespace penstock
