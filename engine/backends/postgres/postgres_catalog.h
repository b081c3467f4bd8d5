// The catalog in Postgres, of many fronts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/postgres/postgres_pool.h"
#include "engine/io/catalog.h"

namespace penstock {

// Several objects and processes at once. Who adds with an idempotency key holds the key's row, then
// the entry's, until its transaction ends: of two that are asked the same at once the other waits,
// and repeats.
//
// Repeated by the pool, each operation has the result of one: see PostgresPool. To remove(), an
// entry that was removed in this very millisecond was removed by the same call.
class PostgresCatalog final : public Catalog {
 public:
  // The pool outlives the catalog. Throws FatalError.
  explicit PostgresCatalog(PostgresPool& pool);

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
  PostgresPool& pool_;
};

}  // namespace penstock
