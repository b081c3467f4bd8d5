#include "engine/core/ids.h"

#include <algorithm>

#include "engine/core/sha256.h"

namespace penstock {
namespace {

Digest16 first_half(const Sha256& digest) {
  Digest16 half;
  std::copy_n(digest.begin(), half.bytes.size(), half.bytes.begin());
  return half;
}

// Of both, with the first one's length settled by its digest, so that no two pairs are one.
Digest16 of_both(std::string_view content, std::string_view parameters) {
  const Sha256 digest = sha256(content);
  std::string identity(reinterpret_cast<const char*>(digest.data()), digest.size());
  identity += parameters;
  return first_half(sha256(identity));
}

}  // namespace

std::string Digest16::hex() const {
  return to_hex(view());
}

DocumentId DocumentId::of_key(std::string_view key) {
  return {first_half(sha256(key))};
}

VersionId VersionId::of(std::string_view content, std::string_view fingerprint) {
  return {of_both(content, fingerprint)};
}

EmbeddingId EmbeddingId::of(std::string_view text, std::string_view model) {
  return {of_both(text, model)};
}

}  // namespace penstock
