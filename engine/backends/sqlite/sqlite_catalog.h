// The catalog in a SQLite file.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/sqlite/database.h"
#include "engine/backends/sqlite/write_batches.h"
#include "engine/io/catalog.h"

namespace penstock {

// Two connections: writes that come at once share a transaction on the one, reads take turns on the
// other and wait for no writer.
class SqliteCatalog final : public Catalog {
 public:
  // Opens to write; throws FatalError.
  explicit SqliteCatalog(const std::string& path);
  ~SqliteCatalog() override;

  Result<void> reserve(const std::string& location, WallTime now) override;
  Result<AddedEntry> add(const CatalogEntry& entry, const std::string& idempotency_key) override;
  Result<std::optional<CatalogEntry>> find(const CatalogName& name) override;
  Result<std::vector<std::optional<CatalogEntry>>> find(
      std::span<const CatalogName> names) override;
  Result<std::vector<CatalogEntry>> list(const std::string& tenant,
                                         const std::optional<CatalogCursor>& after,
                                         std::size_t entries_max) override;
  Result<void> mark_queued(std::span<const CatalogEntry> entries, WallTime now) override;
  Result<std::vector<CatalogEntry>> unqueued(WallTime received_before,
                                             std::size_t entries_max) override;
  Result<std::optional<CatalogEntry>> remove(const CatalogName& name, WallTime now) override;
  Result<std::vector<CatalogEntry>> removed(const std::optional<CatalogEntry>& after,
                                            std::size_t entries_max) override;
  Result<void> forget(std::span<const CatalogEntry> entries) override;
  Result<std::vector<CondemnedBlob>> condemn(WallTime before,
                                             const std::optional<CondemnedBlob>& after,
                                             std::size_t blobs_max) override;
  Result<void> release(std::span<const std::string> locations) override;
  Result<CatalogTotals> totals(const std::string& tenant) override;

 private:
  struct Writes;
  struct Reads;

  // Inside a transaction.
  Result<AddedEntry> try_add(const CatalogEntry& entry, const std::string& idempotency_key);
  Result<void> put(const CatalogEntry& entry, const std::optional<CatalogEntry>& known);
  Result<void> remember_key(const CatalogName& name, const std::string& key, const Sha256& request);
  Result<void> put_condemned(const std::string& location, WallTime now);

  Database writer_;
  std::unique_ptr<Writes> writes_;  // of writer_, used by what batches_ runs
  WriteBatches batches_;

  std::mutex read_mutex_;
  Database reader_;               // guarded by read_mutex_
  std::unique_ptr<Reads> reads_;  // guarded by read_mutex_
};

}  // namespace penstock
