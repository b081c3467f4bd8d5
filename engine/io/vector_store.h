// Chunks with their vectors, found by nearness. Embedded: SQLite with exact search. A fleet's:
// pgvector, Pinecone. A stored chunk's id is document:version:ordinal, so a repeated write lands on
// itself, whoever repeats it.
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
#include "engine/io/version_name.h"

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
  VersionName name;
  VersionCount count;
};

// A chunk with its own text.
struct StoredChunk {
  Chunk chunk;  // but for its text, which is below
  std::string text;
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

  // Stores the versions. Idempotent: a version that is there already, whole or in part, is
  // replaced. After an error any part of them may be stored. One writer thread.
  virtual Result<void> upsert(std::span<const VersionChunks> versions) = 0;

  // What is stored of each of these versions, read back rather than remembered: the verify step.
  // Sees what this object wrote before. One writer thread.
  virtual Result<std::vector<VersionCount>> count(std::span<const VersionName> versions) = 0;

  // Removes these versions, of which all, some or no chunks are there. Idempotent. One writer
  // thread.
  virtual Result<void> remove(std::span<const VersionName> versions) = 0;

  // After a large load: makes searches as fast as they will be. May take minutes; does nothing
  // where there is nothing to do. One writer thread.
  virtual Result<void> build_index() { return {}; }

  // The `hits_max` chunks nearest to `query` (unit length, dimensions() floats), best first, ties
  // by id. `accept`, called with a key, limits the search to the documents it accepts; empty
  // accepts all. Versions that are not current may be among the hits: the caller asks the ledger.
  virtual Result<std::vector<Hit>> search(
      std::span<const float> query, std::size_t hits_max,
      const std::function<bool(const std::string&)>& accept) = 0;

  // Every stored version, until the visitor returns false. The visitor must not write.
  virtual Result<void> for_each(const std::function<bool(const StoredVersion&)>& visit) = 0;

  // The chunks of one version, by ordinal; none if it is not there. A store that can only find them
  // (Pinecone) says so as a permanent error.
  virtual Result<std::vector<StoredChunk>> chunks(const VersionName& version) {
    return permanent_error("the chunks of " + version.key + " can only be searched there");
  }

  virtual Result<VersionCount> totals() = 0;

  // Throws FatalError if what is stored are another model's vectors, whose nearness to this one's
  // means nothing. A store that was opened to write has asked already.
  virtual void require_model(const std::string& model, std::size_t dimensions) = 0;
};

}  // namespace penstock
