// A service watched from outside: by its events while it is loaded, by its catalog afterwards.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "loadgen/observer.h"
#include "loadgen/service_client.h"
#include "loadgen/system_under_test.h"

namespace penstock {

class ServiceObserver final : public Observer {
 public:
  // Looks at the clock, and hears events from now on. All outlive it. Throws FatalError if the
  // service does not let it.
  ServiceObserver(ServiceClient& service, Journal& journal, std::string name_prefix,
                  const SystemFacts& facts);
  ~ServiceObserver() override;

  std::optional<Depth> depth() override;
  void ask_for_ends() override;
  Result<void> complete(RunRecord& run) override;
  std::optional<std::string> wrong_with(const Arrival& arrival, const Content& content) override;

 private:
  // Nothing that the service received before is this run's.
  WallTime since() const;

  ServiceClient& service_;
  Journal& journal_;
  const std::string name_prefix_;
  const SystemFacts& facts_;
  ClockSight first_sight_;
  std::chrono::sys_time<std::chrono::nanoseconds> first_wall_;
  std::atomic<bool> has_missed_events_{false};
};

}  // namespace penstock
