// The budget that a fleet shares, in Redis: one script decides, by the server's clock. Its memory
// is one hash a key, below `penstock:{quota:NAME}:`, all in one slot of a cluster, and is gone two
// minutes after the last call.
//
// After a restart or a failover of the server, nothing is leased for a minute: the last leases may
// have been lost with it.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/backends/redis/lease_script.h"
#include "engine/backends/redis/redis.h"
#include "engine/io/shared_budget.h"

namespace penstock {

class RedisBudget final : public SharedBudget {
 public:
  // Processes share the budget of this name; without one, those with the same endpoint, keys and
  // limits do. Throws FatalError where the server cannot be used, and where other processes give
  // the budget other terms. Tests give the script another clock.
  RedisBudget(const std::string& url, BudgetTerms terms, std::string name = {},
              const char* script = lease_script);

  Result<LeaseAnswer> lease(const LeaseCall& call) override;

  std::string name() const override { return name_; }

 private:
  std::vector<std::string> arguments(const LeaseCall& call, TimePoint now);
  Result<LeaseAnswer> read(const RedisReply& reply, const LeaseCall& call, TimePoint called_at);

  const BudgetTerms terms_;
  const std::string terms_text_;
  const std::string name_;
  const RedisScript script_;
  std::vector<std::string> keys_;
  Redis redis_;
  std::random_device random_;
  std::string epoch_;         // of the server's memory, as of the last answer
  std::uint64_t memory_ = 0;  // counts those that have answered
  std::optional<TimePoint> leased_at_;
};

// Absent: nobody has leased of a budget of this name for two minutes. Throws FatalError.
std::optional<BudgetUse> use_of_budget(const std::string& url, const std::string& name);

}  // namespace penstock
