// Vectors that were paid for once, by what they were made of: a chunk whose text was embedded
// before, in another version, another document or an interrupted run, is not embedded again.
// Embedded: SQLite, in the ledger's file.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/ids.h"

namespace penstock {

struct CachedEmbedding {
  EmbeddingId id;
  std::span<const float> vector;  // dimensions floats
};

class EmbeddingCache {
 public:
  virtual ~EmbeddingCache() = default;

  // Writes the vectors that are known to `rows` (row-major, ids.size() x dimensions); rows of
  // others are left as they are. Returns for each id whether it was known. Any thread.
  virtual Result<std::vector<bool>> find(std::span<const EmbeddingId> ids,
                                         std::span<float> rows) = 0;

  // Durable against a crash of this process once it returns. Idempotent. A bounded cache forgets
  // the oldest. One writer thread.
  virtual Result<void> put(std::span<const CachedEmbedding> embeddings) = 0;
};

}  // namespace penstock
