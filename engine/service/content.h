// Delivery of what was uploaded, directly or behind a cache that knows nothing of keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/core/secret.h"
#include "engine/io/catalog.h"
#include "engine/service/call.h"
#include "engine/service/problem.h"
#include "engine/service/service_parts.h"

namespace penstock {

// The content, or the range of it that is asked for, in pieces as fast as the client takes them.
// Blocks for the first piece.
void send_content(const ServiceParts& parts, const Call& call);

// A link to the content as it is now, which needs no key and ends. Blocks.
void make_link(const ServiceParts& parts, const Call& call, const std::string& body);

// How long a link is to hold, by the body of who asks for one: {"expires_in_s": 600}, or nothing.
inline constexpr std::chrono::seconds link_lifetime_max = std::chrono::hours(7 * 24);
std::variant<std::chrono::seconds, Problem> link_lifetime(const std::string& body);

// A link to this content until then: /v1/documents/ID/content?...
std::string signed_link(const CatalogEntry& entry, WallTime expires, const Secret& secret);

// What a target claims that may be such a link.
struct LinkClaim {
  std::string tenant;
  std::string version;  // SHA-256 of the content, in hexadecimal
  WallTime expires{};
};
// Absent: its signature is not ours, or it has ended. `id` is the path's.
std::optional<LinkClaim> verified_link(const UrlTarget& target, const std::string& id,
                                       const Secret& secret, WallTime now);

// A header Range of one range (RFC 9110, 14.1.2). Absent: to be passed over, as what is malformed
// or several ranges are. Empty (first > last): not satisfiable.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // of it, too
};
std::optional<ByteRange> range_of(std::string_view header, std::uint64_t bytes);

}  // namespace penstock
