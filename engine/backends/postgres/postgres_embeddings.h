// The embedding cache in Postgres, of many workers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/backends/postgres/postgres_pool.h"
#include "engine/io/embedding_cache.h"

namespace penstock {

// Several objects and processes at once. Repeated by the pool, find() and put() have the result of
// one: see PostgresPool.
class PostgresEmbeddings final : public EmbeddingCache {
 public:
  // Of vectors of so many dimensions; of other lengths, what is stored is not found. Takes about
  // `bytes_max` in the database, and what it leaves free until it is vacuumed; then the oldest make
  // room. The pool outlives the cache. Throws FatalError.
  PostgresEmbeddings(PostgresPool& pool, std::size_t dimensions, std::uint64_t bytes_max);

  Result<std::vector<bool>> find(std::span<const EmbeddingId> ids, std::span<float> rows) override;
  Result<void> put(std::span<const CachedEmbedding> embeddings) override;

 private:
  PostgresPool& pool_;
  const std::size_t dimensions_;
  const std::uint64_t rows_max_;
};

}  // namespace penstock
