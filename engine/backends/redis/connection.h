// One connection to one Redis server: commands are sent without waiting for their answers, which
// come in the same order. The process ignores SIGPIPE: hiredis writes to broken connections.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_url.h"

struct redisContext;

namespace penstock {

class RedisConnection {
 public:
  // Connects, authenticates, and chooses the database.
  static Result<std::unique_ptr<RedisConnection>> open(const RedisUrl& url,
                                                       const RedisAddress& address,
                                                       const RedisOptions& options);

  const RedisAddress& address() const { return address_; }

  void append(std::span<const std::string_view> words);
  // Sends what was appended.
  Result<void> flush();
  // The next answer; one that is an error of the server's is a reply of kind `error`. After an
  // error of this call or of flush() the connection is of no use any more.
  Result<RedisReply> read();
  // The same, of what the server sends when it likes: absent if nothing came within this time.
  Result<std::optional<RedisReply>> read_within(std::chrono::milliseconds time);

  // append, flush and read.
  Result<RedisReply> ask(std::initializer_list<std::string_view> words);

  // Whether the server has closed it since the last answer: a command sent now would be lost.
  bool is_closed() const;

  // Whether it sent a command since the last wait for a replica.
  bool unreplicated = false;

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  using Context = std::unique_ptr<redisContext, Free>;

  RedisConnection(Context context, const RedisAddress& address, const RedisOptions& options);
  tl::unexpected<Error> error() const;

  const Context context_;
  const RedisAddress address_;
  const RedisOptions options_;
};

}  // namespace penstock
