#include "engine/backends/sqlite/sqlite_catalog.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "engine/io/catalog_rules.h"

namespace penstock {
namespace {

#define PENSTOCK_CATALOG_COLUMNS                                                         \
  "tenant, id, media_type, file_name, bytes, digest, lane, metadata, region, location, " \
  "received_ms, queued_ms, is_removed"

#define PENSTOCK_FIND_ENTRY \
  "SELECT " PENSTOCK_CATALOG_COLUMNS " FROM catalog WHERE tenant = ?1 AND id = ?2"

// Behind it is everything.
constexpr std::int64_t beginning_ms = std::numeric_limits<std::int64_t>::min();

Sha256 digest_from(std::string_view bytes) {
  Sha256 digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

std::int64_t ms(WallTime time) {
  return time.time_since_epoch().count();
}

WallTime time_from(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

CatalogEntry read_entry(const Statement& row) {
  CatalogEntry entry;
  entry.name.tenant = row.bytes(0);
  entry.name.id = row.bytes(1);
  entry.media_type = row.bytes(2);
  entry.file_name = row.bytes(3);
  entry.bytes = row.natural(4);
  entry.digest = digest_from(row.bytes(5));
  entry.lane = row.bytes(6) == name_of(Lane::bulk) ? Lane::bulk : Lane::interactive;
  entry.metadata = row.bytes(7);
  entry.region = row.bytes(8);
  entry.location = row.bytes(9);
  entry.received = time_from(row.integer(10));
  if (!row.is_null(11)) entry.queued = time_from(row.integer(11));
  entry.is_removed = row.integer(12) != 0;
  return entry;
}

// Of a statement whose parameters are bound.
Result<std::optional<CatalogEntry>> one_entry(Statement& statement) {
  const Result<bool> row = statement.step();
  if (!row) return pass_on(row.error());
  std::optional<CatalogEntry> entry;
  if (*row) entry = read_entry(statement);
  statement.reset();
  return entry;
}

Result<std::vector<CatalogEntry>> all_entries(Statement& statement) {
  std::vector<CatalogEntry> entries;
  for (;;) {
    const Result<bool> row = statement.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    entries.push_back(read_entry(statement));
  }
  statement.reset();
  return entries;
}

Statement& bind_name(Statement& statement, const CatalogName& name) {
  return statement.bind_text(1, name.tenant).bind_text(2, name.id);
}

// SQLite's LIMIT is signed.
std::uint64_t limit(std::size_t count) {
  return std::min<std::uint64_t>(count, std::numeric_limits<std::int64_t>::max());
}

}  // namespace

// ?1 is the tenant throughout, ?2 the id or the idempotency key; of locations, ?1 is the location.
struct SqliteCatalog::Writes {
  explicit Writes(Database& database)
      : reserve(database.prepare(
            "INSERT INTO catalog_reserved VALUES (?1, ?2, 0) ON CONFLICT DO UPDATE SET "
            "reserved_ms = excluded.reserved_ms WHERE NOT is_condemned")),
        put_condemned(database.prepare(
            "INSERT INTO catalog_reserved VALUES (?1, ?2, 1) ON CONFLICT DO NOTHING")),
        take(database.prepare("DELETE FROM catalog_reserved WHERE location = ?1 AND "
                              "NOT is_condemned RETURNING 1")),
        old(database.prepare(
            "SELECT location, reserved_ms FROM catalog_reserved WHERE reserved_ms < ?1 "
            "AND (reserved_ms, location) > (?2, ?3) "
            "ORDER BY reserved_ms, location LIMIT ?4")),
        condemn(
            database.prepare("UPDATE catalog_reserved SET is_condemned = 1 WHERE location = ?1")),
        release(database.prepare("DELETE FROM catalog_reserved WHERE location = ?1")),
        find(database.prepare(PENSTOCK_FIND_ENTRY)),
        put(database.prepare("INSERT OR REPLACE INTO catalog (" PENSTOCK_CATALOG_COLUMNS ") VALUES "
                             "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULL, 0)")),
        find_key(database.prepare(
            "SELECT id, request FROM catalog_keys WHERE tenant = ?1 AND key = ?2")),
        put_key(database.prepare(
            "INSERT INTO catalog_keys (tenant, id, key, request) VALUES (?1, ?2, ?3, ?4)")),
        drop_old_keys(database.prepare(
            "DELETE FROM catalog_keys WHERE tenant = ?1 AND id = ?2 AND place <= (SELECT place "
            "FROM catalog_keys WHERE tenant = ?1 AND id = ?2 ORDER BY place DESC "
            "LIMIT 1 OFFSET ?3)")),
        drop_keys(database.prepare("DELETE FROM catalog_keys WHERE tenant = ?1 AND id = ?2")),
        mark_queued(database.prepare(
            "UPDATE catalog SET queued_ms = ?5 WHERE tenant = ?1 AND id = ?2 AND location = ?3 "
            "AND is_removed = ?4 AND queued_ms IS NULL")),
        remove(database.prepare("UPDATE catalog SET is_removed = 1, received_ms = ?3, "
                                "queued_ms = NULL WHERE tenant = ?1 AND id = ?2 AND "
                                "NOT is_removed RETURNING " PENSTOCK_CATALOG_COLUMNS)),
        forget(database.prepare("DELETE FROM catalog WHERE tenant = ?1 AND id = ?2 AND "
                                "location = ?3 AND is_removed RETURNING 1")) {}

  Statement reserve, put_condemned, take, old, condemn, release, find, put, find_key, put_key,
      drop_old_keys, drop_keys, mark_queued, remove, forget;
};

struct SqliteCatalog::Reads {
  explicit Reads(Database& database)
      : find(database.prepare(PENSTOCK_FIND_ENTRY)),
        list(database.prepare("SELECT " PENSTOCK_CATALOG_COLUMNS
                              " FROM catalog WHERE tenant = ?1 AND NOT is_removed AND "
                              "(received_ms, id) < (?2, ?3) "
                              "ORDER BY received_ms DESC, id DESC LIMIT ?4")),
        unqueued(database.prepare("SELECT " PENSTOCK_CATALOG_COLUMNS
                                  " FROM catalog WHERE queued_ms IS NULL AND received_ms < ?1 "
                                  "ORDER BY received_ms, tenant, id LIMIT ?2")),
        removed(database.prepare("SELECT " PENSTOCK_CATALOG_COLUMNS
                                 " FROM catalog WHERE is_removed AND queued_ms IS NOT NULL "
                                 "AND (received_ms, tenant, id) > (?1, ?2, ?3) "
                                 "ORDER BY received_ms, tenant, id LIMIT ?4")),
        totals(database.prepare("SELECT count(*), coalesce(sum(bytes), 0), "
                                "(SELECT count(*) FROM catalog WHERE queued_ms IS NULL) "
                                "FROM catalog WHERE NOT is_removed")),
        totals_of(database.prepare(
            "SELECT count(*), coalesce(sum(bytes), 0), "
            "(SELECT count(*) FROM catalog WHERE queued_ms IS NULL AND tenant = ?1) "
            "FROM catalog WHERE NOT is_removed AND tenant = ?1")) {}

  Statement find, list, unqueued, removed, totals, totals_of;
};

SqliteCatalog::SqliteCatalog(const std::string& path)
    : writer_(path, OpenMode::write),
      writes_(std::make_unique<Writes>(writer_)),
      batches_(writer_),
      reader_(path, OpenMode::read),
      reads_(std::make_unique<Reads>(reader_)) {}

SqliteCatalog::~SqliteCatalog() = default;

Result<void> SqliteCatalog::reserve(const std::string& location, WallTime now) {
  return batches_.write(
      [&] { return writes_->reserve.bind_blob(1, location).bind(2, ms(now)).run(); });
}

Result<AddedEntry> SqliteCatalog::add(const CatalogEntry& entry,
                                      const std::string& idempotency_key) {
  AddedEntry added;
  const Result<void> done = batches_.write(
      [&]() -> Result<void> {
        Result<AddedEntry> tried = try_add(entry, idempotency_key);
        if (!tried) return pass_on(tried.error());
        added = std::move(*tried);
        return {};
      },
      WriteBatches::Lasts::at_once);
  if (!done) return pass_on(done.error());
  return added;
}

Result<AddedEntry> SqliteCatalog::try_add(const CatalogEntry& entry,
                                          const std::string& idempotency_key) {
  const auto known = one_entry(bind_name(writes_->find, entry.name));
  if (!known) return pass_on(known.error());
  // What was asked for with this key before, and for which entry.
  std::optional<Sha256> request;
  CatalogName first;
  if (!idempotency_key.empty()) {
    Statement& find_key = writes_->find_key;
    find_key.bind_text(1, entry.name.tenant).bind_blob(2, idempotency_key);
    const Result<bool> row = find_key.step();
    if (!row) return pass_on(row.error());
    if (*row) {
      first = {entry.name.tenant, std::string(find_key.bytes(0))};
      request = digest_from(find_key.bytes(1));
    }
    find_key.reset();
  }

  AddedEntry added{how_to_add(entry, *known, request), {}};
  const bool is_there = *known && (*known)->location == entry.location;
  if (added.how == AddedEntry::How::added && is_there) {
    added.entry = **known;
    return added;
  }
  if (request) {
    const auto earlier = one_entry(bind_name(writes_->find, first));
    if (!earlier) return pass_on(earlier.error());
    added.entry = earlier->value_or(CatalogEntry{});
    return added;
  }
  if (added.how == AddedEntry::How::repeated) {
    added.entry = **known;
  } else {
    added.entry = as_added(entry);
    if (auto put_in = put(entry, *known); !put_in) return pass_on(put_in.error());
  }
  if (idempotency_key.empty()) return added;
  if (auto kept = remember_key(entry.name, idempotency_key, request_of(entry)); !kept)
    return pass_on(kept.error());
  return added;
}

Result<void> SqliteCatalog::put(const CatalogEntry& entry,
                                const std::optional<CatalogEntry>& known) {
  const Result<bool> is_taken = writes_->take.bind_blob(1, entry.location).step();
  if (!is_taken) return pass_on(is_taken.error());
  writes_->take.reset();
  if (!*is_taken) return not_reserved(entry);
  if (known && !known->is_removed)
    if (auto done = put_condemned(known->location, entry.received); !done) return done;
  return bind_name(writes_->put, entry.name)
      .bind_text(3, entry.media_type)
      .bind_text(4, entry.file_name)
      .bind(5, entry.bytes)
      .bind_blob(6, view_of(entry.digest))
      .bind_text(7, name_of(entry.lane))
      .bind_text(8, entry.metadata)
      .bind_text(9, entry.region)
      .bind_blob(10, entry.location)
      .bind(11, ms(entry.received))
      .run();
}

Result<void> SqliteCatalog::remember_key(const CatalogName& name, const std::string& key,
                                         const Sha256& request) {
  bind_name(writes_->put_key, name).bind_blob(3, key).bind_blob(4, view_of(request));
  if (auto done = writes_->put_key.run(); !done) return done;
  return bind_name(writes_->drop_old_keys, name).bind(3, std::uint64_t{keys_an_entry_max}).run();
}

Result<void> SqliteCatalog::put_condemned(const std::string& location, WallTime now) {
  return writes_->put_condemned.bind_blob(1, location).bind(2, ms(now)).run();
}

Result<std::optional<CatalogEntry>> SqliteCatalog::find(const CatalogName& name) {
  const std::lock_guard lock(read_mutex_);
  return one_entry(bind_name(reads_->find, name));
}

Result<std::vector<std::optional<CatalogEntry>>> SqliteCatalog::find(
    std::span<const CatalogName> names) {
  std::vector<std::optional<CatalogEntry>> entries;
  entries.reserve(names.size());
  const std::lock_guard lock(read_mutex_);
  for (const CatalogName& name : names) {
    auto entry = one_entry(bind_name(reads_->find, name));
    if (!entry) return pass_on(entry.error());
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<std::vector<CatalogEntry>> SqliteCatalog::list(const std::string& tenant,
                                                      const std::optional<CatalogCursor>& after,
                                                      std::size_t entries_max) {
  // Behind the end of time is everything.
  const std::int64_t received =
      after ? ms(after->received) : std::numeric_limits<std::int64_t>::max();
  const std::string id = after ? after->id : std::string();
  const std::lock_guard lock(read_mutex_);
  reads_->list.bind_text(1, tenant).bind(2, received).bind_text(3, id).bind(4, limit(entries_max));
  return all_entries(reads_->list);
}

Result<void> SqliteCatalog::mark_queued(std::span<const CatalogEntry> entries, WallTime now) {
  if (entries.empty()) return {};
  return batches_.write([&]() -> Result<void> {
    for (const CatalogEntry& entry : entries) {
      bind_name(writes_->mark_queued, entry.name)
          .bind_blob(3, entry.location)
          .bind(4, std::int64_t{entry.is_removed})
          .bind(5, ms(now));
      if (auto done = writes_->mark_queued.run(); !done) return done;
    }
    return {};
  });
}

Result<std::vector<CatalogEntry>> SqliteCatalog::unqueued(WallTime received_before,
                                                          std::size_t entries_max) {
  const std::lock_guard lock(read_mutex_);
  return all_entries(reads_->unqueued.bind(1, ms(received_before)).bind(2, limit(entries_max)));
}

Result<std::optional<CatalogEntry>> SqliteCatalog::remove(const CatalogName& name, WallTime now) {
  std::optional<CatalogEntry> removed;
  const Result<void> done = batches_.write(
      [&]() -> Result<void> {
        auto entry = one_entry(bind_name(writes_->remove, name).bind(3, ms(now)));
        if (!entry) return pass_on(entry.error());
        removed = std::move(*entry);
        return removed ? put_condemned(removed->location, now) : Result<void>();
      },
      WriteBatches::Lasts::at_once);
  if (!done) return pass_on(done.error());
  return removed;
}

Result<std::vector<CatalogEntry>> SqliteCatalog::removed(const std::optional<CatalogEntry>& after,
                                                         std::size_t entries_max) {
  const CatalogName name = after ? after->name : CatalogName();
  const std::lock_guard lock(read_mutex_);
  reads_->removed.bind(1, after ? ms(after->received) : beginning_ms)
      .bind_text(2, name.tenant)
      .bind_text(3, name.id)
      .bind(4, limit(entries_max));
  return all_entries(reads_->removed);
}

Result<void> SqliteCatalog::forget(std::span<const CatalogEntry> entries) {
  if (entries.empty()) return {};
  return batches_.write([&]() -> Result<void> {
    for (const CatalogEntry& entry : entries) {
      if (!entry.is_removed) continue;
      Statement& forget = bind_name(writes_->forget, entry.name).bind_blob(3, entry.location);
      const Result<bool> is_gone = forget.step();
      if (!is_gone) return pass_on(is_gone.error());
      forget.reset();
      if (!*is_gone) continue;
      if (auto done = bind_name(writes_->drop_keys, entry.name).run(); !done) return done;
    }
    return {};
  });
}

Result<std::vector<CondemnedBlob>> SqliteCatalog::condemn(WallTime before,
                                                          const std::optional<CondemnedBlob>& after,
                                                          std::size_t blobs_max) {
  const std::string location = after ? after->location : std::string();
  std::vector<CondemnedBlob> blobs;
  const Result<void> done = batches_.write([&]() -> Result<void> {
    Statement& old = writes_->old.bind(1, ms(before))
                         .bind(2, after ? ms(after->reserved) : beginning_ms)
                         .bind_blob(3, location)
                         .bind(4, limit(blobs_max));
    for (;;) {
      const Result<bool> row = old.step();
      if (!row) return pass_on(row.error());
      if (!*row) break;
      blobs.push_back({std::string(old.bytes(0)), time_from(old.integer(1))});
    }
    old.reset();
    for (const CondemnedBlob& blob : blobs)
      if (auto marked = writes_->condemn.bind_blob(1, blob.location).run(); !marked) return marked;
    return {};
  });
  if (!done) return pass_on(done.error());
  return blobs;
}

Result<void> SqliteCatalog::release(std::span<const std::string> locations) {
  if (locations.empty()) return {};
  return batches_.write([&]() -> Result<void> {
    for (const std::string& location : locations)
      if (auto done = writes_->release.bind_blob(1, location).run(); !done) return done;
    return {};
  });
}

Result<CatalogTotals> SqliteCatalog::totals(const std::string& tenant) {
  const std::lock_guard lock(read_mutex_);
  Statement& sums = tenant.empty() ? reads_->totals : reads_->totals_of.bind_text(1, tenant);
  const Result<bool> row = sums.step();
  if (!row) return pass_on(row.error());
  const CatalogTotals totals{sums.natural(0), sums.natural(1), sums.natural(2)};
  sums.reset();
  return totals;
}

}  // namespace penstock
