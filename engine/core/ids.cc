#include "engine/core/ids.h"

#include <algorithm>

#include "engine/core/sha256.h"

namespace penstock {
namespace {

std::array<std::uint8_t, 16> first_half(const Sha256& digest) {
  std::array<std::uint8_t, 16> half;
  std::copy_n(digest.begin(), half.size(), half.begin());
  return half;
}

}  // namespace

DocumentId DocumentId::of_key(std::string_view key) {
  return {first_half(sha256(key))};
}

std::string DocumentId::hex() const {
  return to_hex(view());
}

VersionId VersionId::of(std::string_view content, std::string_view fingerprint) {
  const Sha256 digest = sha256(content);
  std::string identity(reinterpret_cast<const char*>(digest.data()), digest.size());
  identity += fingerprint;
  return {first_half(sha256(identity))};
}

std::string VersionId::hex() const {
  return to_hex(view());
}

}  // namespace penstock
