// Who listens to the events of a queue, on a connection of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/redis/connection.h"
#include "engine/backends/redis/redis_url.h"
#include "engine/core/backoff.h"
#include "engine/io/events.h"

namespace penstock {

// Events are worth no long wait, to whoever sends them or listens.
inline constexpr RedisOptions events_options{std::chrono::milliseconds(2'000),
                                             std::chrono::milliseconds(2'000)};
// Between attempts to reach a server that is away.
inline Backoff pauses_between_attempts() {
  return {std::chrono::milliseconds(20), std::chrono::seconds(1), 0.5, std::random_device()()};
}

// A connection that is lost is made again, to any node of a cluster: each hears what was published
// at another. What was published meanwhile is not heard.
class RedisSubscription final : public Subscription {
 public:
  using Listener = std::function<void(const DocumentEvent&)>;

  // Returns once it listens, or no node could be reached; then it goes on trying.
  RedisSubscription(RedisUrl url, std::string channel, Listener listener);
  // At once, but for a node that is just being connected to and does not answer.
  ~RedisSubscription() override;

 private:
  void run();
  // Subscribed; at the first of the nodes that will have it.
  Result<std::unique_ptr<RedisConnection>> subscribe();
  Result<std::unique_ptr<RedisConnection>> subscribe_at(const RedisAddress& node);
  // Until the connection breaks, or the subscription ends.
  void listen(RedisConnection& connection);
  bool is_ending();
  bool ends_within(std::chrono::milliseconds time);

  const RedisUrl url_;
  const std::string channel_;
  const Listener listener_;

  // Of the thread: where to connect to, what failed last at the end.
  std::vector<RedisAddress> nodes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool tried_ = false;
  bool ending_ = false;

  std::thread thread_;  // last: uses the rest
};

}  // namespace penstock
