// The embedding cache in a SQLite file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "engine/backends/sqlite/database.h"
#include "engine/io/embedding_cache.h"

namespace penstock {

// Two connections, as of SqliteLedger: lookups by many threads take turns on one and do not wait
// for the writer's transaction on the other.
class SqliteEmbeddings final : public EmbeddingCache {
 public:
  // Of vectors of so many dimensions; of other lengths, what the file holds is not found. Takes
  // about `bytes_max` on disk, then the oldest make room. Throws FatalError.
  SqliteEmbeddings(const std::string& path, OpenMode mode, std::size_t dimensions,
                   std::uint64_t bytes_max);

  Result<std::vector<bool>> find(std::span<const EmbeddingId> ids, std::span<float> rows) override;
  Result<void> put(std::span<const CachedEmbedding> embeddings) override;

 private:
  Result<void> make_room();

  const std::size_t dimensions_;
  const std::int64_t rows_max_;

  Database writer_;
  Statement put_;
  Statement bounds_;
  Statement remove_through_;

  std::mutex find_mutex_;
  Database reader_;  // guarded by find_mutex_
  Statement find_;   // guarded by find_mutex_
};

}  // namespace penstock
