// Chunks and vectors in a Postgres with pgvector (0.8 or newer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/backends/postgres/postgres_pool.h"
#include "engine/io/vector_store.h"

namespace penstock {

// Several objects and processes at once. A version's row of `versions` is its lock: whoever writes
// or removes the version holds it until its transaction ends, and takes those of a batch in one
// order. Repeated by the pool, each operation has the result of one: see PostgresPool.
//
// Searches are exact until build_index(), and from then on HNSW's: nearly exact, in milliseconds.
// The index takes vectors of up to 2,000 dimensions as they are and up to 4,000 at half precision,
// where hits are still scored and ordered at full precision. Longer ones stay with exact search.
class PgvectorVectors final : public VectorStore {
 public:
  // To write, with the vectors of this model only: a store that holds another model's is refused,
  // since their nearness would mean nothing. The pool outlives the store. Throws FatalError.
  PgvectorVectors(PostgresPool& pool, const std::string& model, std::size_t dimensions);
  // To read. Throws FatalError.
  explicit PgvectorVectors(PostgresPool& pool);

  // One transaction, whose rows go over as one binary COPY.
  Result<void> upsert(std::span<const VersionChunks> versions) override;
  Result<std::vector<VersionCount>> count(std::span<const VersionName> versions) override;
  Result<void> remove(std::span<const VersionName> versions) override;
  // Others can search meanwhile, and writers wait. Does nothing if there is an index already: it is
  // kept up to date by each write.
  Result<void> build_index() override;
  // Any thread. Ties beyond `hits_max` are decided by key and ordinal in an exact search, and by
  // chance in the index's.
  Result<std::vector<Hit>> search(std::span<const float> query, std::size_t hits_max,
                                  const std::function<bool(const std::string&)>& accept) override;
  Result<void> for_each(const std::function<bool(const StoredVersion&)>& visit) override;
  Result<std::vector<StoredChunk>> chunks(const VersionName& version) override;
  Result<VersionCount> totals() override;

  void require_model(const std::string& model, std::size_t dimensions) override;

 private:
  struct Filter;

  void read_model();
  // Of the column `embedding` and the parameter: the index's own, where it has one.
  std::string indexed_distance(const std::string& parameter) const;
  bool can_be_indexed() const;
  Result<Filter> filter_of(const std::function<bool(const std::string&)>& accept);
  std::string search_statement(bool by_index, bool is_filtered) const;

  PostgresPool& pool_;
  // Constant after construction.
  std::string extension_;  // the schema that pgvector is in, quoted; its names are not in the path
  std::string model_;
  std::size_t dimensions_ = 0;
};

}  // namespace penstock
