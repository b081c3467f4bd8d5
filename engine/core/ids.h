// Strong ids. Both are digests, so any process on any machine derives the same id from the same
// input, and a write that is repeated after a crash lands on itself.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace penstock {

// 16 bytes: the first half of SHA-256 of the document's key.
struct DocumentId {
  std::array<std::uint8_t, 16> bytes{};

  static DocumentId of_key(std::string_view key);
  std::string hex() const;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  auto operator<=>(const DocumentId&) const = default;
};

// 16 bytes: the first half of SHA-256 over the content's SHA-256 and the pipeline's fingerprint
// (extractor, chunker parameters, embedding model). Same version, same chunks, same vectors.
struct VersionId {
  std::array<std::uint8_t, 16> bytes{};

  static VersionId of(std::string_view content, std::string_view fingerprint);
  std::string hex() const;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  auto operator<=>(const VersionId&) const = default;
};

}  // namespace penstock

template <>
struct std::hash<penstock::DocumentId> {
  std::size_t operator()(const penstock::DocumentId& id) const noexcept {
    std::size_t value;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};

template <>
struct std::hash<penstock::VersionId> {
  std::size_t operator()(const penstock::VersionId& id) const noexcept {
    std::size_t value;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
