// Where a Redis is and how to enter it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

struct RedisAddress {
  std::string host;  // an IPv6 address without its brackets
  std::uint16_t port = 6379;

  std::string text() const;  // HOST:PORT
  auto operator<=>(const RedisAddress&) const = default;
};

struct RedisUrl {
  std::vector<RedisAddress> nodes;  // one, or some of a cluster's
  std::string user;
  std::string password;  // empty: no AUTH
  std::uint32_t database = 0;
  bool tls = false;
  bool cluster = false;
  std::string name;  // for messages: the URL without user and password
};

// The forms of redis.h. User and password are percent-decoded. Throws FatalError, whose message
// never holds a password.
RedisUrl parse_redis_url(std::string_view url);

// "HOST:PORT", as a node of a cluster writes it (IPv6 without brackets, perhaps no host at all, and
// in Redis 7 a bus port after '@'). False for what is none.
bool parse_redis_address(std::string_view text, RedisAddress& address);

}  // namespace penstock
