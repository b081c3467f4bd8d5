// What a store is filled with.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/io/vector_store.h"

namespace penstock {

inline constexpr std::size_t stored_dimensions = 384;

// Row-major, stored_dimensions each; the same every time.
std::vector<float> unit_vectors(std::size_t count);

// Documents of twenty chunks of about 512 tokens.
class StoredDocuments {
 public:
  static constexpr std::size_t chunks_each = 20;

  explicit StoredDocuments(std::size_t count);
  std::span<const VersionChunks> versions() const { return versions_; }

 private:
  const std::string text_;
  const std::vector<float> vectors_;
  std::vector<Chunk> chunks_;
  std::vector<VersionChunks> versions_;
};

}  // namespace penstock
