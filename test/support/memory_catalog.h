// A catalog in memory, beside the ledger of the same MemoryStore.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/io/catalog.h"
#include "test/support/memory_store.h"

namespace penstock {

class MemoryCatalog final : public Catalog {
 public:
  explicit MemoryCatalog(MemoryStore& store) : store_(store) {}

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
  // With the store's mutex held.
  std::optional<CatalogEntry> known(const CatalogName& name) const;
  // The entry, unless it changed since it was read.
  CatalogEntry* unchanged(const CatalogEntry& read);
  void remember_key(const CatalogEntry& entry, const std::string& key);

  MemoryStore& store_;
};

}  // namespace penstock
