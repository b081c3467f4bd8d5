#include "engine/backends/pinecone/record_id.h"

#include <cassert>
#include <charconv>
#include <cstddef>

namespace penstock {
namespace {

constexpr std::size_t digest_digits = 32;
constexpr std::size_t prefix_bytes = 2 * (digest_digits + 1);
constexpr std::size_t ordinal_digits = 8;

std::optional<Digest16> parse_digest(std::string_view hex) {
  Digest16 digest;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const char* const pair = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(pair, pair + 2, digest.bytes[i], 16);
    if (error != std::errc() || end != pair + 2) return std::nullopt;
  }
  // from_chars takes capitals, too, which would be another id.
  if (digest.hex() != hex) return std::nullopt;
  return digest;
}

}  // namespace

std::string version_prefix(const VersionName& name) {
  return DocumentId::of_key(name.key).hex() + '#' + name.version.hex() + '#';
}

std::string record_id(std::string_view prefix, std::uint32_t ordinal) {
  const std::string digits = std::to_string(ordinal);
  assert(digits.size() <= ordinal_digits);
  return std::string(prefix) + std::string(ordinal_digits - digits.size(), '0') + digits;
}

std::optional<RecordId> parse_record_id(std::string_view id) {
  if (id.size() != prefix_bytes + ordinal_digits || id[digest_digits] != '#' ||
      id[prefix_bytes - 1] != '#')
    return std::nullopt;
  const auto version = parse_digest(id.substr(digest_digits + 1, digest_digits));
  if (!parse_digest(id.substr(0, digest_digits)) || !version) return std::nullopt;
  RecordId parsed{id.substr(0, prefix_bytes), VersionId{*version}};
  const char* const last = id.data() + id.size();
  const auto [end, error] = std::from_chars(id.data() + prefix_bytes, last, parsed.ordinal);
  if (error != std::errc() || end != last) return std::nullopt;
  return parsed;
}

}  // namespace penstock
