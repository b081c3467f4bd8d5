#include "engine/backends/redis/redis_url.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/uri.h"

namespace penstock {
namespace {

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string credential(std::string_view text) {
  std::optional<std::string> decoded = uri_decoded(text);
  if (!decoded)
    throw FatalError(
        "the user or the password of a Redis URL holds a % that is no %XX: write it as %25");
  return std::move(*decoded);
}

[[noreturn]] void refuse(const std::string& what) {
  throw FatalError("not the URL of a Redis: " + what +
                   "; it is one such as redis://:PASSWORD@HOST:6379/0, rediss://HOST or "
                   "redis+cluster://HOST:PORT,HOST:PORT");
}

RedisAddress address_in_url(std::string_view text) {
  RedisAddress address;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) refuse("an IPv6 address has no ]");
    address.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    address.host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (address.host.empty()) refuse("it names no host");
  if (port.empty()) return address;
  const auto number = number_in<std::uint16_t>(port.substr(1));
  if (!port.starts_with(':') || !number || *number == 0)
    refuse("\"" + std::string(text) + "\" is no HOST:PORT");
  address.port = *number;
  return address;
}

}  // namespace

std::string RedisAddress::text() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

RedisUrl parse_redis_url(std::string_view url) {
  RedisUrl parsed;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) refuse("it has no ://");
  const std::string scheme(url.substr(0, scheme_end));
  parsed.tls = scheme == "rediss";
  parsed.cluster = scheme == "redis+cluster";
  if (!parsed.tls && !parsed.cluster && scheme != "redis")
    refuse("its scheme is none of redis, rediss and redis+cluster");

  std::string_view rest = url.substr(scheme_end + 3);
  // A password may hold '/', ',' or '@' by mistake; the last '@' ends it.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view credentials = rest.substr(0, at);
    const std::size_t colon = credentials.find(':');
    if (colon == std::string_view::npos)
      refuse("it has a user without a password, or a password without the : before it");
    parsed.user = credential(credentials.substr(0, colon));
    parsed.password = credential(credentials.substr(colon + 1));
    rest = rest.substr(at + 1);
  }
  parsed.name = scheme + "://" + std::string(rest);
  if (std::ranges::any_of(rest, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }))
    refuse("it holds a space or a character that is not ASCII");

  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view path = rest.substr(std::min(slash + 1, rest.size()));
  std::string_view hosts = rest.substr(0, slash);
  if (!path.empty()) {
    if (parsed.cluster) refuse("a cluster has no databases to choose from");
    const auto database = number_in<std::uint32_t>(path);
    if (!database) refuse("\"" + std::string(path) + "\" is no number of a database");
    parsed.database = *database;
  }
  if (!parsed.cluster && hosts.find(',') != std::string_view::npos)
    refuse("several hosts are a cluster, redis+cluster://");
  for (;;) {
    const std::size_t comma = std::min(hosts.find(','), hosts.size());
    parsed.nodes.push_back(address_in_url(hosts.substr(0, comma)));
    if (comma == hosts.size()) return parsed;
    hosts.remove_prefix(comma + 1);
  }
}

bool parse_redis_address(std::string_view text, RedisAddress& address) {
  text = text.substr(0, text.find('@'));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = number_in<std::uint16_t>(text.substr(colon + 1));
  if (!port) return false;
  address = {std::string(text.substr(0, colon)), *port};
  return true;
}

}  // namespace penstock
