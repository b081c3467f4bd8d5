// Looks at the fleet every second, for metrics, admission, readiness and the overview.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/service/alerts.h"
#include "engine/service/call.h"
#include "engine/service/service_parts.h"

namespace penstock {

// What was seen at last.
struct Sight {
  BrokerState queue;
  std::vector<WorkerReport> workers;
  std::vector<BudgetUse> quotas;
  CatalogTotals catalog;
  WorkerRates rates;    // of all workers together
  std::string failure;  // why some of it is older than the rest; empty: all is well
};

class Watch {
 public:
  // The first look is taken before it returns.
  explicit Watch(const ServiceParts& parts);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Any thread.
  std::shared_ptr<const Sight> sight() const;
  std::vector<Alert> alerts() const;

 private:
  void look();
  void look_until_stopped();

  const ServiceParts& parts_;
  mutable std::mutex mutex_;
  std::condition_variable stop_;
  // Guarded by mutex_.
  std::shared_ptr<const Sight> sight_;
  Alerts alerts_;
  bool stopping_ = false;

  std::thread thread_;
};

// What the dashboard shows. Answers at once, of what was seen at last.
void answer_overview(const ServiceParts& parts, const Watch& watch, WallTime started,
                     std::string_view version, const Call& call);

}  // namespace penstock
