#include "engine/backends/postgres/postgres_catalog.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "engine/backends/postgres/postgres_values.h"
#include "engine/backends/postgres/schema.h"
#include "engine/io/catalog_rules.h"

namespace penstock {
namespace {

const std::array<std::string, 1> migrations = {
    // 1: the first. Idempotency keys ascend in the order of use. The first index is all that a
    // tenant's totals read.
    R"sql(
      CREATE TABLE penstock.catalog (
        tenant text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        media_type text NOT NULL,
        file_name text NOT NULL,
        bytes bigint NOT NULL,
        digest bytea NOT NULL,
        lane text NOT NULL,
        metadata text NOT NULL,
        region text NOT NULL,
        location bytea NOT NULL,
        received_ms bigint NOT NULL,
        queued_ms bigint,
        is_removed boolean NOT NULL,
        PRIMARY KEY (tenant, id)
      );
      CREATE INDEX catalog_listed ON penstock.catalog (tenant, received_ms, id) INCLUDE (bytes)
        WHERE NOT is_removed;
      CREATE INDEX catalog_unqueued ON penstock.catalog (received_ms, tenant, id)
        WHERE queued_ms IS NULL;
      CREATE INDEX catalog_removed ON penstock.catalog (received_ms, tenant, id) WHERE is_removed;
      CREATE TABLE penstock.catalog_keys (
        place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        key bytea NOT NULL,
        request bytea NOT NULL,
        UNIQUE (tenant, key)
      );
      CREATE INDEX catalog_keys_of_entry ON penstock.catalog_keys (tenant, id);
      CREATE TABLE penstock.catalog_reserved (
        location bytea PRIMARY KEY,
        reserved_ms bigint NOT NULL,
        is_condemned boolean NOT NULL
      );
      CREATE INDEX catalog_reserved_ages ON penstock.catalog_reserved (reserved_ms, location);
    )sql"};

#define PENSTOCK_CATALOG_COLUMNS                                                      \
  "catalog.tenant, catalog.id, media_type, file_name, bytes, encode(digest, 'hex'), " \
  "lane, metadata, region, encode(location, 'hex'), received_ms, queued_ms, is_removed "

// The rows of penstock.catalog that are as the entries of entries_as_arrays() were read, locked in
// the order of their names: two that change several at once wait for each other in one direction.
#define PENSTOCK_UNCHANGED_ENTRIES                                                      \
  "unchanged AS MATERIALIZED (SELECT catalog.tenant, catalog.id FROM penstock.catalog " \
  "  JOIN unnest($1::text[], $2::text[], $3::bytea[], $4::boolean[]) "                  \
  "    AS read(tenant, id, location, is_removed) "                                      \
  "    ON catalog.tenant = read.tenant AND catalog.id = read.id AND "                   \
  "      catalog.location = read.location AND catalog.is_removed = read.is_removed "    \
  "  ORDER BY catalog.tenant, catalog.id FOR UPDATE OF catalog) "

Sha256 digest_from_hex(std::string_view digits) {
  Sha256 digest{};
  bytes_from_hex(digits, {reinterpret_cast<char*>(digest.data()), digest.size()});
  return digest;
}

// Behind it is everything.
constexpr WallTime beginning{std::chrono::milliseconds(std::numeric_limits<std::int64_t>::min())};

std::string ms(WallTime time) {
  return std::to_string(time.time_since_epoch().count());
}

WallTime time_from(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

// Postgres' LIMIT is signed.
std::string limit(std::size_t count) {
  return std::to_string(std::min<std::uint64_t>(count, std::numeric_limits<std::int64_t>::max()));
}

// From this column on.
CatalogEntry read_entry(const PostgresRows& rows, std::size_t row, int column = 0) {
  CatalogEntry entry;
  entry.name.tenant = rows.text(row, column++);
  entry.name.id = rows.text(row, column++);
  entry.media_type = rows.text(row, column++);
  entry.file_name = rows.text(row, column++);
  entry.bytes = rows.natural(row, column++);
  entry.digest = digest_from_hex(rows.text(row, column++));
  entry.lane = rows.text(row, column++) == name_of(Lane::bulk) ? Lane::bulk : Lane::interactive;
  entry.metadata = rows.text(row, column++);
  entry.region = rows.text(row, column++);
  entry.location = bytes_from_hex(rows.text(row, column++));
  entry.received = time_from(rows.integer(row, column++));
  if (!rows.is_null(row, column)) entry.queued = time_from(rows.integer(row, column));
  entry.is_removed = rows.boolean(row, ++column);
  return entry;
}

std::optional<CatalogEntry> first_entry(const PostgresRows& rows) {
  if (rows.size() == 0) return std::nullopt;
  return read_entry(rows, 0);
}

Result<std::vector<CatalogEntry>> all_entries(const Result<PostgresRows>& rows) {
  if (!rows) return pass_on(rows.error());
  std::vector<CatalogEntry> entries;
  entries.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) entries.push_back(read_entry(*rows, row));
  return entries;
}

Result<void> done(const Result<PostgresRows>& rows) {
  if (!rows) return pass_on(rows.error());
  return {};
}

// Both are in one index.
Result<void> require_name(const CatalogName& name) {
  return require_key(name.tenant + '/' + name.id);
}

Result<void> require_names(std::span<const CatalogEntry> entries) {
  for (const CatalogEntry& entry : entries)
    if (auto sound = require_name(entry.name); !sound) return sound;
  return {};
}

// $1 to $4.
PostgresParameters entries_as_arrays(std::span<const CatalogEntry> entries) {
  std::array<PostgresArray, 4> columns;
  for (const CatalogEntry& entry : entries) {
    columns[0].add_text(entry.name.tenant);
    columns[1].add_text(entry.name.id);
    columns[2].add_bytes(entry.location);
    columns[3].add(entry.is_removed);
  }
  PostgresParameters parameters;
  for (const PostgresArray& column : columns) parameters.texts.push_back(column.literal());
  return parameters;
}

Result<std::optional<CatalogEntry>> find_in(PostgresConnection& connection, const CatalogName& name,
                                            const char* lock) {
  const auto rows =
      connection.run(std::string("SELECT " PENSTOCK_CATALOG_COLUMNS
                                 "FROM penstock.catalog WHERE tenant = $1 AND id = $2") +
                         lock,
                     {{name.tenant, name.id}, {}});
  if (!rows) return pass_on(rows.error());
  return first_entry(*rows);
}

// An addition, in a transaction.
class Addition {
 public:
  Addition(PostgresConnection& connection, const CatalogEntry& entry, const std::string& key)
      : connection_(connection), entry_(entry), key_(key) {}

  Result<AddedEntry> run() {
    if (auto is_read = meet_at_key(); !is_read) return pass_on(is_read.error());
    // Of two that add the same name at once the other waits here, unless its key is known.
    const auto is_new = first_id_ ? Result<bool>(false) : put_new();
    if (!is_new) return pass_on(is_new.error());
    if (*is_new) return finish(AddedEntry::How::added, as_added(entry_));
    const auto known = find_in(connection_, entry_.name, " FOR UPDATE");
    if (!known) return pass_on(known.error());
    if (!first_id_ && !*known) return changed_meanwhile();

    const AddedEntry::How how = how_to_add(entry_, *known, request_);
    if (how == AddedEntry::How::added) return AddedEntry{how, **known};
    if (first_id_) return repeat_first(how);
    if (how == AddedEntry::How::repeated) return AddedEntry{how, **known};
    if (auto replaced = replace(**known); !replaced) return pass_on(replaced.error());
    return finish(how, as_added(entry_));
  }

 private:
  // The pool tries again: what was there has just been forgotten.
  tl::unexpected<Error> changed_meanwhile() const {
    return retryable_error(entry_.name.id + ": was forgotten just now");
  }

  // Makes the key's row this transaction's, or reads what the key was used for.
  Result<void> meet_at_key() {
    if (key_.empty()) return {};
    const auto made = connection_.run(
        "INSERT INTO penstock.catalog_keys (tenant, id, key, request) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING RETURNING 1",
        {{entry_.name.tenant, entry_.name.id}, {key_, view_of(request_of(entry_))}});
    if (!made) return pass_on(made.error());
    if (made->size() != 0) return drop_old_keys();
    const auto used = connection_.run(
        "SELECT id, encode(request, 'hex') FROM penstock.catalog_keys "
        "WHERE tenant = $1 AND key = $2",
        {{entry_.name.tenant}, {key_}});
    if (!used) return pass_on(used.error());
    if (used->size() == 0) return changed_meanwhile();
    first_id_ = used->text(0, 0);
    request_ = digest_from_hex(used->text(0, 1));
    return {};
  }

  Result<void> drop_old_keys() {
    return done(connection_.run(
        "DELETE FROM penstock.catalog_keys WHERE tenant = $1 AND id = $2 AND place <= "
        "(SELECT place FROM penstock.catalog_keys WHERE tenant = $1 AND id = $2 "
        " ORDER BY place DESC LIMIT 1 OFFSET $3::bigint)",
        {{entry_.name.tenant, entry_.name.id, std::to_string(keys_an_entry_max)}, {}}));
  }

  PostgresParameters columns() const {
    return {{entry_.name.tenant, entry_.name.id, entry_.media_type, entry_.file_name,
             std::to_string(entry_.bytes), std::string(name_of(entry_.lane)), entry_.metadata,
             entry_.region, ms(entry_.received)},
            {view_of(entry_.digest), entry_.location}};
  }

  Result<bool> put_new() {
    const auto put = connection_.run(
        "INSERT INTO penstock.catalog (tenant, id, media_type, file_name, bytes, lane, metadata, "
        "  region, received_ms, digest, location, is_removed) "
        "VALUES ($1, $2, $3, $4, $5::bigint, $6, $7, $8, $9::bigint, $10, $11, false) "
        "ON CONFLICT DO NOTHING RETURNING 1",
        columns());
    if (!put) return pass_on(put.error());
    return put->size() != 0;
  }

  Result<void> replace(const CatalogEntry& known) {
    if (!known.is_removed) {
      const auto condemned = connection_.run(
          "INSERT INTO penstock.catalog_reserved VALUES ($2, $1::bigint, true) "
          "ON CONFLICT DO NOTHING",
          {{ms(entry_.received)}, {known.location}});
      if (!condemned) return pass_on(condemned.error());
    }
    return done(connection_.run(
        "UPDATE penstock.catalog SET media_type = $3, file_name = $4, bytes = $5::bigint, "
        "  lane = $6, metadata = $7, region = $8, received_ms = $9::bigint, digest = $10, "
        "  location = $11, queued_ms = NULL, is_removed = false "
        "WHERE tenant = $1 AND id = $2",
        columns()));
  }

  Result<AddedEntry> repeat_first(AddedEntry::How how) {
    const auto first = find_in(connection_, {entry_.name.tenant, *first_id_}, "");
    if (!first) return pass_on(first.error());
    if (!*first) return changed_meanwhile();
    return AddedEntry{how, **first};
  }

  Result<AddedEntry> finish(AddedEntry::How how, CatalogEntry entry) {
    const auto taken = connection_.run(
        "DELETE FROM penstock.catalog_reserved WHERE location = $1 AND NOT is_condemned "
        "RETURNING 1",
        {{}, {entry_.location}});
    if (!taken) return pass_on(taken.error());
    if (taken->size() == 0) return not_reserved(entry_);
    return AddedEntry{how, std::move(entry)};
  }

  PostgresConnection& connection_;
  const CatalogEntry& entry_;
  const std::string& key_;
  // What the key was used for, if it is known.
  std::optional<std::string> first_id_;
  std::optional<Sha256> request_;
};

}  // namespace

PostgresCatalog::PostgresCatalog(PostgresPool& pool) : pool_(pool) {
  bring_to_current_schema(pool, "catalog", migrations);
}

Result<void> PostgresCatalog::reserve(const std::string& location, WallTime now) {
  return done(
      pool_.run("INSERT INTO penstock.catalog_reserved AS known VALUES ($2, $1::bigint, false) "
                "ON CONFLICT (location) DO UPDATE SET reserved_ms = excluded.reserved_ms "
                "WHERE NOT known.is_condemned",
                {{ms(now)}, {location}}));
}

Result<AddedEntry> PostgresCatalog::add(const CatalogEntry& entry,
                                        const std::string& idempotency_key) {
  if (auto sound = require_name(entry.name); !sound) return pass_on(sound.error());
  AddedEntry added;
  const Result<void> committed =
      pool_.transact([&](PostgresConnection& connection) -> Result<void> {
        Result<AddedEntry> tried = Addition(connection, entry, idempotency_key).run();
        if (!tried) return pass_on(tried.error());
        added = std::move(*tried);
        return {};
      });
  if (!committed) return pass_on(committed.error());
  return added;
}

Result<std::optional<CatalogEntry>> PostgresCatalog::find(const CatalogName& name) {
  const auto entries = find(std::span(&name, 1));
  if (!entries) return pass_on(entries.error());
  return entries->front();
}

Result<std::vector<std::optional<CatalogEntry>>> PostgresCatalog::find(
    std::span<const CatalogName> names) {
  std::vector<std::optional<CatalogEntry>> entries(names.size());
  PostgresArray places;
  PostgresArray tenants;
  PostgresArray ids;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!require_name(names[i])) continue;
    places.add(static_cast<std::int64_t>(i));
    tenants.add_text(names[i].tenant);
    ids.add_text(names[i].id);
  }
  const auto rows =
      pool_.run("SELECT place, " PENSTOCK_CATALOG_COLUMNS
                "FROM unnest($1::bigint[], $2::text[], $3::text[]) AS named(place, tenant, id) "
                "JOIN penstock.catalog ON catalog.tenant = named.tenant AND catalog.id = named.id",
                {{places.literal(), tenants.literal(), ids.literal()}, {}});
  if (!rows) return pass_on(rows.error());
  for (std::size_t row = 0; row < rows->size(); ++row)
    entries[rows->natural(row, 0)] = read_entry(*rows, row, 1);
  return entries;
}

Result<std::vector<CatalogEntry>> PostgresCatalog::list(const std::string& tenant,
                                                        const std::optional<CatalogCursor>& after,
                                                        std::size_t entries_max) {
  // What is no text is nobody's.
  if (!require_key(tenant)) return std::vector<CatalogEntry>();
  PostgresParameters parameters{{tenant, limit(entries_max)}, {}};
  if (after) {
    if (auto sound = require_key(after->id); !sound) return pass_on(sound.error());
    parameters.texts.insert(parameters.texts.end(), {ms(after->received), after->id});
  }
  return all_entries(
      pool_.run("SELECT " PENSTOCK_CATALOG_COLUMNS
                "FROM penstock.catalog WHERE tenant = $1 AND NOT is_removed " +
                    std::string(after ? "AND (received_ms, id) < ($3::bigint, $4) " : "") +
                    "ORDER BY received_ms DESC, id DESC LIMIT $2::bigint",
                parameters));
}

Result<void> PostgresCatalog::mark_queued(std::span<const CatalogEntry> entries, WallTime now) {
  if (entries.empty()) return {};
  if (auto sound = require_names(entries); !sound) return sound;
  PostgresParameters parameters = entries_as_arrays(entries);
  parameters.texts.push_back(ms(now));
  return done(pool_.run("WITH " PENSTOCK_UNCHANGED_ENTRIES
                        "UPDATE penstock.catalog SET queued_ms = $5::bigint "
                        "WHERE (tenant, id) IN (SELECT tenant, id FROM unchanged) "
                        "  AND queued_ms IS NULL",
                        parameters));
}

Result<std::vector<CatalogEntry>> PostgresCatalog::unqueued(WallTime received_before,
                                                            std::size_t entries_max) {
  return all_entries(
      pool_.run("SELECT " PENSTOCK_CATALOG_COLUMNS
                "FROM penstock.catalog WHERE queued_ms IS NULL AND received_ms < $1::bigint "
                "ORDER BY received_ms, tenant, id LIMIT $2::bigint",
                {{ms(received_before), limit(entries_max)}, {}}));
}

Result<std::optional<CatalogEntry>> PostgresCatalog::remove(const CatalogName& name, WallTime now) {
  if (!require_name(name)) return std::nullopt;
  const auto rows = pool_.run(
      "WITH gone AS (UPDATE penstock.catalog SET is_removed = true, received_ms = $3::bigint, "
      "  queued_ms = CASE WHEN is_removed THEN queued_ms END "
      "  WHERE tenant = $1 AND id = $2 AND (NOT is_removed OR received_ms = $3::bigint) "
      "  RETURNING *), "
      "condemned AS (INSERT INTO penstock.catalog_reserved SELECT location, $3::bigint, true "
      "  FROM gone ON CONFLICT DO NOTHING) "
      "SELECT " PENSTOCK_CATALOG_COLUMNS "FROM gone AS catalog",
      {{name.tenant, name.id, ms(now)}, {}});
  if (!rows) return pass_on(rows.error());
  return first_entry(*rows);
}

Result<std::vector<CatalogEntry>> PostgresCatalog::removed(const std::optional<CatalogEntry>& after,
                                                           std::size_t entries_max) {
  const CatalogName name = after ? after->name : CatalogName();
  return all_entries(pool_.run(
      "SELECT " PENSTOCK_CATALOG_COLUMNS
      "FROM penstock.catalog WHERE is_removed AND queued_ms IS NOT NULL "
      "AND (received_ms, tenant, id) > ($1::bigint, $2, $3) "
      "ORDER BY received_ms, tenant, id LIMIT $4::bigint",
      {{ms(after ? after->received : beginning), name.tenant, name.id, limit(entries_max)}, {}}));
}

Result<void> PostgresCatalog::forget(std::span<const CatalogEntry> entries) {
  if (entries.empty()) return {};
  if (auto sound = require_names(entries); !sound) return sound;
  return done(pool_.run("WITH " PENSTOCK_UNCHANGED_ENTRIES
                        ", gone AS (DELETE FROM penstock.catalog "
                        "  WHERE (tenant, id) IN (SELECT tenant, id FROM unchanged) "
                        "    AND is_removed RETURNING tenant, id) "
                        "DELETE FROM penstock.catalog_keys "
                        "WHERE (tenant, id) IN (SELECT tenant, id FROM gone)",
                        entries_as_arrays(entries)));
}

Result<std::vector<CondemnedBlob>> PostgresCatalog::condemn(
    WallTime before, const std::optional<CondemnedBlob>& after, std::size_t blobs_max) {
  const auto rows = pool_.run(
      "WITH old AS MATERIALIZED (SELECT location FROM penstock.catalog_reserved "
      "  WHERE reserved_ms < $1::bigint AND (reserved_ms, location) > ($2::bigint, $4) "
      "  ORDER BY reserved_ms, location LIMIT $3::bigint FOR UPDATE), "
      "condemned AS (UPDATE penstock.catalog_reserved SET is_condemned = true "
      "  WHERE location IN (SELECT location FROM old) RETURNING reserved_ms, location) "
      "SELECT encode(location, 'hex'), reserved_ms FROM condemned "
      "ORDER BY reserved_ms, location",
      {{ms(before), ms(after ? after->reserved : beginning), limit(blobs_max)},
       {after ? after->location : std::string()}});
  if (!rows) return pass_on(rows.error());
  std::vector<CondemnedBlob> blobs;
  for (std::size_t row = 0; row < rows->size(); ++row)
    blobs.push_back({bytes_from_hex(rows->text(row, 0)), time_from(rows->integer(row, 1))});
  return blobs;
}

Result<void> PostgresCatalog::release(std::span<const std::string> locations) {
  if (locations.empty()) return {};
  PostgresArray array;
  for (const std::string& location : locations) array.add_bytes(location);
  return done(pool_.run("DELETE FROM penstock.catalog_reserved WHERE location = ANY($1::bytea[])",
                        {{array.literal()}, {}}));
}

Result<CatalogTotals> PostgresCatalog::totals(const std::string& tenant) {
  if (!require_key(tenant)) return CatalogTotals{};
  const std::string of_tenant = tenant.empty() ? "" : " AND tenant = $1";
  const auto rows = pool_.run(
      "SELECT count(*), coalesce(sum(bytes), 0)::bigint, "
      "(SELECT count(*) FROM penstock.catalog WHERE queued_ms IS NULL" +
          of_tenant + ") FROM penstock.catalog WHERE NOT is_removed" + of_tenant,
      tenant.empty() ? PostgresParameters() : PostgresParameters{{tenant}, {}});
  if (!rows) return pass_on(rows.error());
  return CatalogTotals{rows->natural(0, 0), rows->natural(0, 1), rows->natural(0, 2)};
}

}  // namespace penstock
