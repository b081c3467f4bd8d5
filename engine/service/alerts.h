// What somebody should look at now. The same conditions as in deploy/prometheus, for those who have
// no Prometheus yet.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"
#include "engine/io/broker.h"
#include "engine/io/worker_report.h"

namespace penstock {

struct Alert {
  std::string_view name;
  bool is_critical = false;
  std::string text;  // for a person
  WallTime since{};
};

class Alerts {
 public:
  // How the fleet is; an alert has been on since it was first seen so.
  void see(const BrokerState& queue, const std::vector<WorkerReport>& workers,
           const WorkerRates& rates, WallTime now);

  const std::vector<Alert>& on() const { return on_; }

 private:
  std::vector<Alert> on_;
};

}  // namespace penstock
