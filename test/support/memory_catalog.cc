#include "test/support/memory_catalog.h"

#include <algorithm>
#include <tuple>

#include "engine/io/catalog_rules.h"

namespace penstock {
namespace {

// Those that `accept` takes, the first received first.
template <typename Accept>
std::vector<CatalogEntry> oldest(const MemoryStore& store, std::size_t entries_max,
                                 const Accept& accept) {
  std::vector<CatalogEntry> entries;
  for (const auto& [name, entry] : store.catalog)
    if (accept(entry)) entries.push_back(entry);
  std::ranges::sort(entries, {},
                    [](const CatalogEntry& entry) { return std::tie(entry.received, entry.name); });
  if (entries.size() > entries_max) entries.resize(entries_max);
  return entries;
}

}  // namespace

std::optional<CatalogEntry> MemoryCatalog::known(const CatalogName& name) const {
  const auto found = store_.catalog.find(name);
  if (found == store_.catalog.end()) return std::nullopt;
  return found->second;
}

CatalogEntry* MemoryCatalog::unchanged(const CatalogEntry& read) {
  const auto found = store_.catalog.find(read.name);
  if (found == store_.catalog.end() || found->second.location != read.location ||
      found->second.is_removed != read.is_removed)
    return nullptr;
  return &found->second;
}

Result<void> MemoryCatalog::reserve(const std::string& location, WallTime now) {
  if (auto entered = store_.enter("catalog.reserve"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  MemoryStore::Reservation& reservation = store_.reserved[location];
  if (!reservation.is_condemned) reservation.since = now;
  return {};
}

Result<AddedEntry> MemoryCatalog::add(const CatalogEntry& entry,
                                      const std::string& idempotency_key) {
  if (auto entered = store_.enter("catalog.add"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  const std::optional<CatalogEntry> before = known(entry.name);
  const auto use = store_.catalog_keys.find({entry.name.tenant, idempotency_key});
  std::optional<Sha256> request;
  if (use != store_.catalog_keys.end()) request = use->second.request;
  const AddedEntry::How how = how_to_add(entry, before, request);
  if (how == AddedEntry::How::added && before) return AddedEntry{how, *before};
  if (request) return AddedEntry{how, store_.catalog.at({entry.name.tenant, use->second.id})};
  if (how != AddedEntry::How::repeated) {
    const auto reserved = store_.reserved.find(entry.location);
    if (reserved == store_.reserved.end() || reserved->second.is_condemned)
      return not_reserved(entry);
    store_.reserved.erase(reserved);
    if (before && !before->is_removed) store_.reserved[before->location] = {entry.received, true};
    store_.catalog[entry.name] = as_added(entry);
  }
  if (!idempotency_key.empty()) remember_key(entry, idempotency_key);
  return AddedEntry{how, *known(entry.name)};
}

void MemoryCatalog::remember_key(const CatalogEntry& entry, const std::string& key) {
  std::uint64_t last = 0;
  std::vector<std::uint64_t> places;
  for (const auto& [name, use] : store_.catalog_keys) {
    last = std::max(last, use.place);
    if (name.first == entry.name.tenant && use.id == entry.name.id) places.push_back(use.place);
  }
  store_.catalog_keys[{entry.name.tenant, key}] = {entry.name.id, request_of(entry), last + 1};
  if (places.size() < keys_an_entry_max) return;
  const std::uint64_t oldest = *std::ranges::min_element(places);
  std::erase_if(store_.catalog_keys, [&](const auto& each) { return each.second.place == oldest; });
}

Result<std::optional<CatalogEntry>> MemoryCatalog::find(const CatalogName& name) {
  if (auto entered = store_.enter("catalog.find"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  return known(name);
}

Result<std::vector<std::optional<CatalogEntry>>> MemoryCatalog::find(
    std::span<const CatalogName> names) {
  if (auto entered = store_.enter("catalog.find"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  std::vector<std::optional<CatalogEntry>> entries;
  for (const CatalogName& name : names) entries.push_back(known(name));
  return entries;
}

Result<std::vector<CatalogEntry>> MemoryCatalog::list(const std::string& tenant,
                                                      const std::optional<CatalogCursor>& after,
                                                      std::size_t entries_max) {
  if (auto entered = store_.enter("catalog.list"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  std::vector<CatalogEntry> entries =
      oldest(store_, store_.catalog.size(), [&](const CatalogEntry& entry) {
        return entry.name.tenant == tenant && !entry.is_removed &&
               (!after ||
                std::tie(entry.received, entry.name.id) < std::tie(after->received, after->id));
      });
  std::ranges::reverse(entries);
  if (entries.size() > entries_max) entries.resize(entries_max);
  return entries;
}

Result<void> MemoryCatalog::mark_queued(std::span<const CatalogEntry> entries, WallTime now) {
  if (auto entered = store_.enter("catalog.mark_queued"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const CatalogEntry& read : entries)
    if (CatalogEntry* const entry = unchanged(read); entry && !entry->queued) entry->queued = now;
  return {};
}

Result<std::vector<CatalogEntry>> MemoryCatalog::unqueued(WallTime received_before,
                                                          std::size_t entries_max) {
  if (auto entered = store_.enter("catalog.unqueued"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  return oldest(store_, entries_max, [&](const CatalogEntry& entry) {
    return !entry.queued && entry.received < received_before;
  });
}

Result<std::optional<CatalogEntry>> MemoryCatalog::remove(const CatalogName& name, WallTime now) {
  if (auto entered = store_.enter("catalog.remove"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  const auto found = store_.catalog.find(name);
  if (found == store_.catalog.end() || found->second.is_removed) return std::nullopt;
  CatalogEntry& entry = found->second;
  entry.is_removed = true;
  entry.received = now;
  entry.queued.reset();
  store_.reserved[entry.location] = {now, true};
  return entry;
}

Result<std::vector<CatalogEntry>> MemoryCatalog::removed(const std::optional<CatalogEntry>& after,
                                                         std::size_t entries_max) {
  if (auto entered = store_.enter("catalog.removed"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  return oldest(store_, entries_max, [&](const CatalogEntry& entry) {
    return entry.is_removed && entry.queued.has_value() &&
           (!after ||
            std::tie(after->received, after->name) < std::tie(entry.received, entry.name));
  });
}

Result<void> MemoryCatalog::forget(std::span<const CatalogEntry> entries) {
  if (auto entered = store_.enter("catalog.forget"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const CatalogEntry& read : entries) {
    if (!read.is_removed || unchanged(read) == nullptr) continue;
    store_.catalog.erase(read.name);
    std::erase_if(store_.catalog_keys, [&](const auto& each) {
      return each.first.first == read.name.tenant && each.second.id == read.name.id;
    });
  }
  return {};
}

Result<std::vector<CondemnedBlob>> MemoryCatalog::condemn(WallTime before,
                                                          const std::optional<CondemnedBlob>& after,
                                                          std::size_t blobs_max) {
  if (auto entered = store_.enter("catalog.condemn"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  const auto age = [](const CondemnedBlob& blob) { return std::tie(blob.reserved, blob.location); };
  std::vector<CondemnedBlob> blobs;
  for (const auto& [location, reservation] : store_.reserved) {
    const CondemnedBlob blob{location, reservation.since};
    if (blob.reserved < before && (!after || age(*after) < age(blob))) blobs.push_back(blob);
  }
  std::ranges::sort(blobs, {}, age);
  if (blobs.size() > blobs_max) blobs.resize(blobs_max);
  for (const CondemnedBlob& blob : blobs) store_.reserved.at(blob.location).is_condemned = true;
  return blobs;
}

Result<void> MemoryCatalog::release(std::span<const std::string> locations) {
  if (auto entered = store_.enter("catalog.release"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const std::string& location : locations) store_.reserved.erase(location);
  return {};
}

Result<CatalogTotals> MemoryCatalog::totals(const std::string& tenant) {
  if (auto entered = store_.enter("catalog.totals"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  CatalogTotals totals;
  for (const auto& [name, entry] : store_.catalog) {
    if (!tenant.empty() && name.tenant != tenant) continue;
    if (!entry.queued) ++totals.unqueued;
    if (entry.is_removed) continue;
    ++totals.documents;
    totals.bytes += entry.bytes;
  }
  return totals;
}

}  // namespace penstock
