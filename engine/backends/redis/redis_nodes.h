// The nodes behind a Redis object: their connections, which of them serves what, and what is done
// about their answers. Which is which of a server's errors:
//   another node        MOVED, ASK                            it is asked
//   this node, soon     TRYAGAIN, LOADING, MASTERDOWN         asked again until the command's time
//                                                             has passed
//   nobody, for a while CLUSTERDOWN, READONLY, OOM, BUSY ...  retryable
//   the command         everything else                       permanent
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/backends/redis/connection.h"
#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_url.h"
#include "engine/backends/redis/slot_map.h"

namespace penstock {

class Redis::Nodes {
 public:
  Nodes(RedisUrl url, RedisOptions options);

  // A command, or a script's call: then `words` lacks the first two, which depend on what the node
  // remembers.
  struct Request {
    std::uint16_t slot = 0;
    std::vector<std::string_view> words;
    const RedisScript* script = nullptr;
  };

  // All requests, pipelined to each node; answers in their order.
  std::vector<Result<RedisReply>> run(std::span<const Request> requests);

  Result<void> wait_for_replica(std::uint16_t slot);

  void require_sound();

  const RedisUrl& url() const { return url_; }

 private:
  // A request on its way.
  struct Journey {
    std::optional<Result<RedisReply>> answer;
    std::optional<RedisAddress> ask;  // the next try goes there, once
  };
  struct Stop {
    RedisConnection* connection = nullptr;
    std::vector<std::size_t> requests;
  };

  // Sends what has no answer yet and reads what comes. True if a pause is due before what is left.
  bool run_once(std::span<const Request> requests, std::vector<Journey>& journeys);
  void append(RedisConnection& connection, const Request& request, bool asking);
  // True if a pause is due before the request is sent again.
  bool take(const Request& request, Journey& journey, RedisConnection& connection,
            RedisReply reply);
  void redirect(const Request& request, Journey& journey, const RedisConnection& connection,
                const std::string& redirection);

  Result<RedisAddress> owner_of(std::uint16_t slot);
  Result<RedisConnection*> connection_to(const RedisAddress& address);
  void drop(const RedisAddress& address);
  Result<void> refresh_map();
  void require_sound(const RedisAddress& address);
  tl::unexpected<Error> named(const Error& error) const;

  const RedisUrl url_;
  const RedisOptions options_;
  std::map<RedisAddress, std::unique_ptr<RedisConnection>> connections_;
  SlotMap map_;            // of a cluster
  bool map_stale_ = true;  // a node did not do what the map says
  // Nodes that did not know a script: the next call there carries its text.
  std::vector<RedisAddress> forgetful_;
  // Who served a slot last: whose replicas hold its writes.
  std::unordered_map<std::uint16_t, const RedisConnection*> served_;
};

}  // namespace penstock
