// Chunks and vectors in a SQLite file, found by exact search.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/backends/sqlite/database.h"
#include "engine/io/vector_store.h"

namespace penstock {

class VectorIndex;

// The first search reads all vectors into memory (4 bytes a dimension each); later ones scan them
// there, and read those that came since. That is the right search up to some
// hundred thousand chunks.
class SqliteVectors final : public VectorStore {
 public:
  // To write, with the vectors of this model only: a store that holds another model's is refused,
  // since their nearness would mean nothing. Throws FatalError.
  SqliteVectors(const std::string& path, const std::string& model, std::size_t dimensions);
  // To read. Throws FatalError.
  explicit SqliteVectors(const std::string& path);
  ~SqliteVectors() override;

  Result<void> upsert(std::span<const VersionChunks> versions) override;
  Result<std::vector<VersionCount>> count(std::span<const VersionName> versions) override;
  Result<void> remove(std::span<const VersionName> versions) override;
  // Any thread; searches take turns.
  Result<std::vector<Hit>> search(std::span<const float> query, std::size_t hits_max,
                                  const std::function<bool(const std::string&)>& accept) override;
  Result<void> for_each(const std::function<bool(const StoredVersion&)>& visit) override;
  Result<std::vector<StoredChunk>> chunks(const VersionName& version) override;
  Result<VersionCount> totals() override;
  void require_model(const std::string& model, std::size_t dimensions) override;

 private:
  struct Statements;

  Result<std::optional<std::int64_t>> find_version(const std::string& key,
                                                   const VersionId& version);
  Result<VersionCount> count_one(const VersionName& version);
  Result<void> remove_version(std::int64_t version);
  Result<void> upsert_one(const VersionChunks& version);

  Database database_;
  std::unique_ptr<Statements> statements_;

  std::mutex search_mutex_;
  std::unique_ptr<VectorIndex> index_;  // guarded by search_mutex_; has a connection of its own
};

}  // namespace penstock
