// What a user writes to say where a backend is: what is taken can be named in a message without the
// password, and what is not taken is refused in words that do not repeat it.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/backend_url.h"
#include "engine/backends/pinecone/index_address.h"
#include "engine/backends/postgres/postgres_url.h"
#include "engine/backends/redis/redis_url.h"
#include "engine/backends/s3/s3_location.h"
#include "engine/core/error.h"
#include "engine/core/uri.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

// Absent: refused.
template <typename Parse>
auto taken(const Parse& parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const FatalError& error) {
    REQUIRE(!std::string_view(error.what()).empty());
    return std::nullopt;
  }
}

void check_redis(std::string_view text) {
  const auto url = taken([&] { return parse_redis_url(text); });
  if (!url) return;
  REQUIRE(!url->nodes.empty() && (url->cluster || url->nodes.size() == 1));
  REQUIRE(!url->cluster || url->database == 0);
  for (const RedisAddress& node : url->nodes) REQUIRE(!node.host.empty() && node.port != 0);
  // Its name is the URL of the same place, for somebody without a password.
  const RedisUrl named = parse_redis_url(url->name);
  REQUIRE(named.nodes == url->nodes && named.database == url->database);
  REQUIRE(named.tls == url->tls && named.cluster == url->cluster);
  REQUIRE(named.user.empty() && named.password.empty() && named.name == url->name);
  if (!url->password.empty())
    REQUIRE(parse_redis_url(without_password(std::string(text))).password == "***");
}

void check_redis_address(std::string_view text) {
  RedisAddress address;
  if (!parse_redis_address(text, address)) return;
  RedisAddress again;
  REQUIRE(parse_redis_address(address.host + ":" + std::to_string(address.port), again));
  REQUIRE(address.host.find('@') == std::string::npos && again == address);
}

void check_postgres(const std::string& text) {
  const auto url = taken([&] { return PostgresUrl(text); });
  if (!url) return;
  REQUIRE(!url->name().empty());
  for (const auto& [keyword, value] : url->settings()) REQUIRE(!keyword.empty());
}

void check_s3(std::string_view text) {
  if (const auto location = parse_s3_location(text)) {
    REQUIRE(!location->bucket.empty() && location->bucket.find('/') == std::string::npos);
    const auto again = parse_s3_location(to_string(*location));
    REQUIRE(again && again->bucket == location->bucket && again->key == location->key);
  }
  REQUIRE(uri_decoded(uri_encoded(text)) == text);
  if (const auto decoded = query_decoded(text)) REQUIRE(decoded->size() <= text.size());
}

void check_pinecone(std::string_view text) {
  const auto address = taken([&] { return index_address(text); });
  if (!address) return;
  REQUIRE(address->origin.starts_with("http") && address->name.starts_with("pinecone://"));
  REQUIRE(address->origin.find_first_of("@?") == std::string::npos);
  const IndexAddress again = index_address(address->name);
  REQUIRE(again.name == address->name && again.space == address->space);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // No argument holds a NUL.
  const char* const bytes = reinterpret_cast<const char*>(data);
  const std::string text(bytes, std::find(bytes, bytes + size, '\0'));
  penstock::check_redis(text);
  penstock::check_redis_address(text);
  penstock::check_postgres(text);
  penstock::check_s3(text);
  penstock::check_pinecone(text);
  return 0;
}
