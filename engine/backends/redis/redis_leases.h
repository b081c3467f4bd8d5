// What a worker holds: the documents that it claimed and whose outcome Redis does not know yet. One
// thread renews their leases, and delivers outcomes in batches: whatever came while the batch
// before was on its way.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis.h"
#include "engine/core/clock.h"
#include "engine/core/lane.h"
#include "engine/core/outcome.h"
#include "engine/io/broker.h"

namespace penstock {

class RedisLeases {
 public:
  // Told how each exchange with Redis went: empty, or what failed.
  using Heard = std::function<void(const std::string& failure)>;

  // `consumer` is this process's name to Redis, which no other has.
  RedisLeases(const std::string& url, const BrokerOptions& options, const QueueKeys& keys,
              std::string consumer, Heard heard);
  // Delivers what is left, for a few seconds at most.
  ~RedisLeases();
  RedisLeases(const RedisLeases&) = delete;
  RedisLeases& operator=(const RedisLeases&) = delete;

  // A claim that came from Redis. False if this process is at work on the document already; then
  // the lease is the same, or goes back.
  bool hold(const std::string& key, Lane lane, const std::string& entry, std::uint32_t attempts);

  void acknowledge(const std::string& key, Outcome outcome, const std::string& message);
  void give_back(const std::string& key);

  // Renews these leases by a connection of the caller's. Of each, whether there was one: it may
  // have gone to another process, and an acknowledgement ends it.
  Result<std::vector<bool>> renew(Redis& redis, std::span<const std::string> keys);

 private:
  struct Held {
    Lane lane = Lane::bulk;
    std::string entry;           // of the lane's stream
    std::uint32_t attempts = 0;  // before this one
    bool ended = false;          // to be delivered
  };
  struct Delivery {
    std::string key;
    Held held;
    std::optional<Outcome> outcome;  // absent: given back
    std::string message;
  };

  void end(const std::string& key, std::optional<Outcome> outcome, const std::string& message);
  void run();
  // Of each, whether it was delivered.
  std::vector<bool> deliver(std::span<const Delivery> deliveries);
  // True if all were.
  bool deliver_batch(std::unique_lock<std::mutex>& lock);
  void append_arguments(std::vector<std::string>& arguments, const Delivery& delivery);
  Result<std::vector<bool>> renew(Redis& redis,
                                  std::span<const std::pair<std::string, Held>> leases);

  const BrokerOptions options_;
  const QueueKeys& keys_;
  const std::string consumer_;
  const Heard heard_;

  // Of the thread.
  Redis redis_;
  std::mt19937_64 random_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Held> held_;  // by document key; bounded by who claims
  std::deque<Delivery> deliveries_;
  bool ending_ = false;

  std::thread thread_;  // last: uses the rest
};

}  // namespace penstock
