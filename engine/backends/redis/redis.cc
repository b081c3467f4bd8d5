#include "engine/backends/redis/redis.h"

#include <openssl/evp.h>

#include <array>
#include <cassert>
#include <utility>

#include "engine/backends/redis/redis_nodes.h"
#include "engine/core/sha256.h"

namespace penstock {
namespace {

std::string sha1_hex(std::string_view text) {
  std::array<char, 20> digest{};
  unsigned length = 0;
  [[maybe_unused]] const int ok =
      EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
                 EVP_sha1(), nullptr);
  assert(ok == 1 && length == digest.size());
  return to_hex({digest.data(), digest.size()});
}

}  // namespace

RedisScript::RedisScript(std::string text) : text_(std::move(text)), sha1_(sha1_hex(text_)) {}

Redis::Redis(const std::string& url, RedisOptions options)
    : nodes_(std::make_unique<Nodes>(parse_redis_url(url), options)) {
#ifndef PENSTOCK_REDIS_TLS
  if (nodes_->url().tls)
    throw FatalError(nodes_->url().name +
                     ": this penstock was built without TLS for Redis; build it where hiredis is "
                     "at least 1.0 (Debian 13), or go through a TLS tunnel such as stunnel");
#endif
}

Redis::~Redis() = default;

void Redis::require_sound() {
  nodes_->require_sound();
}

Result<RedisReply> Redis::run(std::string_view slot_key, const RedisCommand& command) {
  const Nodes::Request request = {
      redis_slot_of(slot_key), {command.begin(), command.end()}, nullptr};
  return std::move(nodes_->run({&request, 1}).front());
}

std::vector<Result<RedisReply>> Redis::run_script(const RedisScript& script,
                                                  std::span<const RedisScriptCall> calls) {
  std::vector<Nodes::Request> requests;
  std::vector<std::string> key_counts;
  requests.reserve(calls.size());
  key_counts.reserve(calls.size());  // requests point into it
  for (const RedisScriptCall& call : calls) {
    assert(!call.keys.empty());
    key_counts.push_back(std::to_string(call.keys.size()));
    Nodes::Request request = {redis_slot_of(call.keys.front()), {key_counts.back()}, &script};
    request.words.insert(request.words.end(), call.keys.begin(), call.keys.end());
    request.words.insert(request.words.end(), call.arguments.begin(), call.arguments.end());
    requests.push_back(std::move(request));
  }
  return nodes_->run(requests);
}

Result<void> Redis::wait_for_replica(std::string_view slot_key) {
  return nodes_->wait_for_replica(redis_slot_of(slot_key));
}

const std::string& Redis::name() const {
  return nodes_->url().name;
}

bool Redis::is_cluster() const {
  return nodes_->url().cluster;
}

}  // namespace penstock
