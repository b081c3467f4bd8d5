// A Redis server or a Redis Cluster, by URL:
//   redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]
//   rediss://...                      the same over TLS, where hiredis has it (1.0, Debian 13)
//   redis+cluster://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]    any nodes of the cluster
// Only the .cc files of this folder know hiredis.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"

namespace penstock {

struct RedisReply {
  enum class Kind { nil, integer, text, array, error };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;  // of an error, too
  std::vector<RedisReply> elements;
};

using RedisCommand = std::vector<std::string>;

// A Lua script, and its SHA-1, by which servers remember it. Keys that a script touches share one
// hash tag: KEYS[1] decides which node of a cluster runs it.
class RedisScript {
 public:
  explicit RedisScript(std::string text);
  const std::string& text() const { return text_; }
  const std::string& sha1() const { return sha1_; }

 private:
  const std::string text_;
  const std::string sha1_;
};

struct RedisScriptCall {
  std::vector<std::string> keys;  // at least one
  std::vector<std::string> arguments;
};

struct RedisOptions {
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds command_timeout{5'000};
};

// One connection to each node that was needed; reconnects by itself. A command that met a broken
// connection, a node that is down, or a cluster that fails over is a retryable error, and may have
// been carried out: the caller decides whether to repeat it. Redirections (MOVED, ASK, TRYAGAIN,
// LOADING) are followed here. One thread at a time; each thread has its own object.
class Redis {
 public:
  // Throws FatalError for a URL that is none, and for TLS without support. Does not connect.
  explicit Redis(const std::string& url, RedisOptions options = {});
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  // Throws FatalError, which says what to do, unless the server answers, is at least version 6.2,
  // and will not forget what it was told: maxmemory-policy noeviction.
  void require_sound();

  // The node of `slot_key` runs it. An error that the server replies is a permanent error.
  Result<RedisReply> run(std::string_view slot_key, const RedisCommand& command);

  // Runs a script once for each call, all sent before the first answer is read. Answers are in the
  // order of calls, each with its own error.
  std::vector<Result<RedisReply>> run_script(const RedisScript& script,
                                             std::span<const RedisScriptCall> calls);

  // Waits until the last writes of this object have reached at least one replica, where the node of
  // the slot has replicas: so they survive its master's death.
  Result<void> wait_for_replica(std::string_view slot_key);

  // Without user and password; for messages.
  const std::string& name() const;
  bool is_cluster() const;

 private:
  class Nodes;
  std::unique_ptr<Nodes> nodes_;
};

}  // namespace penstock
