// The broker on a real server and a real cluster: the contract, and what is Redis's own.
#include "engine/backends/redis/redis_broker.h"

#include <limits>
#include <memory>
#include <set>

#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis.h"
#include "test/contract/broker_contract.h"
#include "test/support/catch.h"
#include "test/support/test_redis.h"

namespace penstock {
namespace {

constexpr const char* server = "PENSTOCK_TEST_REDIS";
constexpr const char* cluster = "PENSTOCK_TEST_REDIS_CLUSTER";

RedisReply must(Result<RedisReply> reply) {
  if (!reply) FAIL(reply.error().message);
  return std::move(*reply);
}

// A queue that no other run uses, gone at the end.
class Queue {
 public:
  explicit Queue(const std::string& url) : url_(url), keys_(name_), redis_(url) {}
  ~Queue() {
    for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
      for (const std::string& key : keys_.of_shard(shard))
        static_cast<void>(redis_.run(key, {"DEL", key}));
    static_cast<void>(redis_.run(keys_.workers(), {"DEL", keys_.workers()}));
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  std::unique_ptr<RedisBroker> open(BrokerOptions options, RedisBroker::Taken taken = {}) const {
    options.queue = name_;
    return std::make_unique<RedisBroker>(url_, std::move(options), std::move(taken));
  }
  std::unique_ptr<RedisBroker> open(const std::string& worker) const {
    BrokerOptions options;
    options.worker = worker;
    options.lease = std::chrono::minutes(30);
    return open(options);
  }

  // As if no lease had been renewed for hours.
  void end_leases() {
    for_each_stream([&](const std::string& stream) {
      for (const RedisReply& lease :
           must(redis_.run(stream, {"XPENDING", stream, "workers", "-", "+", "1000"})).elements)
        must(redis_.run(stream, {"XCLAIM", stream, "workers", lease.elements.at(1).text, "0",
                                 lease.elements.at(0).text, "IDLE", "36000000", "JUSTID"}));
    });
  }
  void end_delays() {
    for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
      for (const std::size_t delayed : {4, 5}) {
        const std::string& key = keys_.of_shard(shard).at(delayed);
        for (const RedisReply& document :
             must(redis_.run(key, {"ZRANGE", key, "0", "-1"})).elements)
          must(redis_.run(key, {"ZADD", key, "0", document.text}));
      }
  }
  // Of streams that were claimed from.
  void for_each_stream(const std::function<void(const std::string&)>& visit) {
    for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
      for (const std::size_t stream : {2, 3}) {
        const std::string& key = keys_.of_shard(shard).at(stream);
        if (redis_.run(key, {"XINFO", "GROUPS", key})) visit(key);
      }
  }
  Redis& redis() { return redis_; }

 private:
  const std::string url_;
  const std::string name_ = unique_name();
  const QueueKeys keys_;
  Redis redis_;
};

void run_contract(const std::string& url) {
  Queue queue(url);
  run_broker_contract({
      [&](const BrokerOptions& options) { return queue.open(options); },
      [&] { queue.end_leases(); },
      [&] { queue.end_delays(); },
  });
}

TEST_CASE("redis broker: keeps the contract on one server") {
  if (const auto url = redis_for_tests(server)) run_contract(*url);
}

TEST_CASE("redis broker: keeps the contract on a cluster") {
  if (const auto url = redis_for_tests(cluster)) run_contract(*url);
}

}  // namespace
}  // namespace penstock
