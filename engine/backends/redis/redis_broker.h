// A fleet's broker, on Redis Streams: what is done to a document is done by scripts, each of which
// leaves its shard of the queue whole (broker_scripts.cc).
//
// Redis may die and start again: with its append-only file it knows what it knew. A master of a
// cluster may die: what enqueue() accepted and what was acknowledged has reached a replica before.
// That a document is leased has perhaps not: then it goes to a second worker, too.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis.h"
#include "engine/core/last_failure.h"
#include "engine/io/broker.h"

namespace penstock {

class RedisLeases;

class RedisBroker final : public Broker {
 public:
  // Throws FatalError, also unless Redis::require_sound() is content.
  RedisBroker(const std::string& url, BrokerOptions options);
  ~RedisBroker() override;

  // Other processes may enqueue at the same time: a lane may exceed documents_max by what each of
  // them sends in one call.
  Result<std::vector<Enqueued>> enqueue(std::span<const Claim> documents, Lane lane) override;
  // Of a broker with a worker's name.
  WorkQueue& queue(Lane lane) override;
  Result<BrokerState> state() override;
  Result<std::vector<std::optional<QueuedDocument>>> find(
      std::span<const std::string> keys) override;
  Result<void> report(const WorkerReport& report) override;
  Result<std::vector<WorkerReport>> workers() override;
  std::string last_failure() const override { return failure_.get(); }
  Result<void> for_each_dead(const std::function<bool(const QueuedDocument&)>& visit) override;
  Result<std::uint64_t> retry(std::span<const std::string> keys) override;

 private:
  class LaneQueue;

  Result<std::vector<bool>> holds(std::span<const std::string> keys);
  Result<void> enqueue_some(std::span<const Claim> documents, Lane lane, bool lane_may_grow,
                            std::vector<Enqueued>& enqueued);

  const BrokerOptions options_;
  const QueueKeys keys_;

  std::mutex mutex_;
  Redis redis_;  // guarded by mutex_

  LastFailure failure_;

  // Without a worker's name there are none. Queues use leases, and go first.
  std::unique_ptr<RedisLeases> leases_;
  std::array<std::unique_ptr<LaneQueue>, all_lanes.size()> lanes_;
};

}  // namespace penstock
