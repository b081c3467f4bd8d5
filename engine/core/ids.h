// Strong ids. All are digests, so any process on any machine derives the same id from the same
// input, and a write that is repeated after a crash lands on itself.
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace penstock {

// The first half of a SHA-256.
struct Digest16 {
  std::array<std::uint8_t, 16> bytes{};

  std::string hex() const;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  auto operator<=>(const Digest16&) const = default;
};

// Of the document's key.
struct DocumentId : Digest16 {
  static DocumentId of_key(std::string_view key);
  auto operator<=>(const DocumentId&) const = default;
};

// Of the content's SHA-256 and the pipeline's fingerprint (extractor, chunker parameters, embedding
// model). Same version, same chunks, same vectors.
struct VersionId : Digest16 {
  static VersionId of(std::string_view content, std::string_view fingerprint);
  auto operator<=>(const VersionId&) const = default;
};

// Of a chunk's text and the embedder's model. Same id, same vector.
struct EmbeddingId : Digest16 {
  static EmbeddingId of(std::string_view text, std::string_view model);
  auto operator<=>(const EmbeddingId&) const = default;
};

}  // namespace penstock

template <std::derived_from<penstock::Digest16> Id>
struct std::hash<Id> {
  std::size_t operator()(const Id& id) const noexcept {
    std::size_t value;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
