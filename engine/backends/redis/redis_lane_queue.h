// One lane of a Redis broker, to a worker. Documents are claimed a few at a time: as many as are
// taken in a moment.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_broker.h"
#include "engine/backends/redis/redis_leases.h"
#include "engine/core/clock.h"
#include "engine/io/broker.h"
#include "engine/io/fetched_claims.h"

namespace penstock {

// What all shards hold; one object's connection asks them.
Result<BrokerState> read_broker_state(Redis& redis, const QueueKeys& keys);

class RedisBroker::LaneQueue final : public WorkQueue {
 public:
  LaneQueue(const std::string& url, RedisBroker& broker, Lane lane, std::string consumer);
  // Gives back what was claimed and nobody took.
  ~LaneQueue() override;

  std::optional<Claim> claim() override;
  void acknowledge(const Claim& claim, Outcome outcome, const std::string& message) override;
  void give_back(const Claim& claim) override;
  std::vector<bool> holds(std::span<const std::string> keys) override;
  void close() override;

 private:
  // Claims some documents that wait; how many came.
  Result<std::size_t> fetch();
  Result<std::size_t> fetch_from(std::size_t first_shard, std::size_t shards,
                                 std::size_t from_each);
  // Claims one document whose worker died, if there is any. It goes before all others.
  Result<void> take_over();
  // All shards' answers, some of which may be errors. The last error, if there is one.
  template <typename Visit>
  Result<void> ask(const RedisScript& script, std::span<const RedisScriptCall> calls,
                   Visit&& visit);
  std::size_t take_in(const RedisReply& documents, bool first);
  // Whether nothing is left of the lane, anywhere.
  bool is_exhausted();

  RedisBroker& broker_;
  const Lane lane_;
  const std::string consumer_;

  // Of the thread that claims.
  Redis redis_;
  std::size_t next_shard_;
  TimePoint take_over_at_;  // when to look for leases that ended

  FetchedClaims fetched_;
};

}  // namespace penstock
