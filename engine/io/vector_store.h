// Chunks with their vectors, found by nearness. Embedded: SQLite with exact search. Later:
// pgvector, Pinecone. A stored chunk's id is document:version:ordinal, so a repeated write lands on
// itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/chunk.h"
#include "engine/core/error.h"
#include "engine/core/ids.h"

namespace penstock {

// All chunks of one version, with their vectors: what one upsert carries for one document.
struct VersionChunks {
  std::string key;
  VersionId version;
  std::span<const Chunk> chunks;   // text views owned by the caller
  std::span<const float> vectors;  // row-major, chunks.size() x dimensions, unit length
};

struct VersionCount {
  std::uint64_t chunks = 0;
  std::uint64_t vectors = 0;
};

struct StoredVersion {
  std::string key;
  VersionId version;
  VersionCount count;
};

struct Hit {
  std::string key;
  VersionId version;
  Chunk chunk;  // but for its text, which is below
  std::string text;
  float score = 0;  // cosine, -1 to 1
};

class VectorStore {
 public:
  virtual ~VectorStore() = default;

  // Stores the versions, all or none. Idempotent: a version that is there already, whole or in
  // part, is replaced. One writer thread.
  virtual Result<void> upsert(std::span<const VersionChunks> versions) = 0;

  // What is stored of one version, read back rather than remembered: the verify step.
  virtual Result<VersionCount> count(const std::string& key, const VersionId& version) = 0;

  // Removes every version of the document but `keep`; absent removes all. Idempotent.
  virtual Result<void> remove_other_versions(const std::string& key,
                                             const std::optional<VersionId>& keep) = 0;

  // The `hits_max` chunks nearest to `query` (unit length, dimensions() floats), best first, ties
  // by id. `accept`, called with a key, limits the search to the documents it accepts; empty
  // accepts all. Versions that are not current may be among the hits: the caller asks the ledger.
  virtual Result<std::vector<Hit>> search(
      std::span<const float> query, std::size_t hits_max,
      const std::function<bool(const std::string&)>& accept) = 0;

  // Every stored version, until the visitor returns false. The visitor must not write.
  virtual Result<void> for_each(const std::function<bool(const StoredVersion&)>& visit) = 0;

  virtual Result<VersionCount> totals() = 0;
};

}  // namespace penstock
