#include "engine/backends/postgres/postgres_ledger.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <random>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/backends/postgres/postgres_values.h"
#include "engine/backends/postgres/schema.h"

namespace penstock {
namespace {

const std::array<std::string, 2> migrations = {
    // 1: the first. Keys are ordered by their bytes, as everywhere else.
    R"sql(
      CREATE TABLE penstock.documents (
        key text COLLATE "C" PRIMARY KEY,
        location bytea NOT NULL,
        metadata text NOT NULL,
        bytes bigint NOT NULL,
        modified_ns bigint NOT NULL,
        changed_ns bigint NOT NULL,
        attempted bytea,
        outcome text NOT NULL,
        message text NOT NULL,
        attempts integer NOT NULL,
        fingerprint text NOT NULL,
        current bytea,
        pages bigint NOT NULL,
        chunks bigint NOT NULL,
        tokens bigint NOT NULL,
        -- The call that stored the row last, so that a repeated one does not count twice.
        recorded_by bigint NOT NULL
      );
      -- One row a document: two that intend at once meet here. `version` was intended last, the
      -- others are those that it superseded.
      CREATE TABLE penstock.intents (
        key text COLLATE "C" PRIMARY KEY,
        version bytea NOT NULL,
        superseded bytea[] NOT NULL
      );
    )sql",
    // 2: when a document came to each stage, by the calendar.
    R"sql(
      ALTER TABLE penstock.documents
        ADD COLUMN started_ms bigint,
        ADD COLUMN extracted_ms bigint,
        ADD COLUMN embedded_ms bigint,
        ADD COLUMN stored_ms bigint,
        ADD COLUMN done_ms bigint;
    )sql"};

constexpr std::size_t records_a_page = 500;

#define PENSTOCK_DOCUMENT_COLUMNS                                                               \
  "key, encode(location, 'hex'), metadata, bytes, modified_ns, changed_ns, "                    \
  "encode(attempted, 'hex'), outcome, message, attempts, fingerprint, encode(current, 'hex'), " \
  "pages, chunks, tokens, started_ms, extracted_ms, embedded_ms, stored_ms, done_ms"

// As put_back() makes a document.
#define PENSTOCK_PENDING                                                        \
  "outcome = 'pending', message = '', started_ms = NULL, extracted_ms = NULL, " \
  "embedded_ms = NULL, stored_ms = NULL, done_ms = NULL"

DocumentRecord read_record(const PostgresRows& rows, std::size_t row) {
  DocumentRecord record;
  record.claim.key = rows.text(row, 0);
  record.claim.location = bytes_from_hex(rows.text(row, 1));
  record.claim.metadata = rows.text(row, 2);
  record.claim.stamp = {rows.natural(row, 3), rows.integer(row, 4), rows.integer(row, 5)};
  if (!rows.is_null(row, 6)) record.attempted = version_from_hex(rows.text(row, 6));
  record.outcome = outcome_named(rows.text(row, 7)).value_or(Outcome::pending);
  record.message = rows.text(row, 8);
  record.attempts = static_cast<std::uint32_t>(rows.integer(row, 9));
  record.fingerprint = rows.text(row, 10);
  if (!rows.is_null(row, 11))
    record.current = CurrentVersion{
        version_from_hex(rows.text(row, 11)), static_cast<std::uint32_t>(rows.integer(row, 12)),
        static_cast<std::uint32_t>(rows.integer(row, 13)), rows.natural(row, 14)};
  for (std::size_t column = 15; const auto time : all_document_times) {
    if (!rows.is_null(row, column))
      record.times.*time = WallTime(std::chrono::milliseconds(rows.integer(row, column)));
    ++column;
  }
  return record;
}

std::vector<VersionName> read_names(const PostgresRows& rows) {
  std::vector<VersionName> names;
  names.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    names.push_back({std::string(rows.text(row, 0)), version_from_hex(rows.text(row, 1))});
  return names;
}

// $1::text[] and $2::bytea[].
PostgresParameters names_as_arrays(std::span<const VersionName> names) {
  PostgresArray keys;
  PostgresArray versions;
  for (const VersionName& name : names) {
    keys.add_text(name.key);
    versions.add_bytes(name.version.view());
  }
  return {{keys.literal(), versions.literal()}, {}};
}

template <typename Names, typename KeyOf>
Result<void> require_keys(const Names& names, const KeyOf& key_of) {
  for (const auto& name : names)
    if (auto sound = require_key(std::invoke(key_of, name)); !sound) return sound;
  return {};
}

Result<void> done(const Result<PostgresRows>& rows) {
  if (!rows) return pass_on(rows.error());
  return {};
}

// The records in columns, as one statement takes them.
PostgresParameters as_arrays(std::span<const DocumentRecord* const> records) {
  std::array<PostgresArray, 14 + all_document_times.size()> columns;
  for (const DocumentRecord* record : records) {
    std::size_t column = 0;
    const CurrentVersion current = record->current.value_or(CurrentVersion{});
    columns[column++].add_text(record->claim.key);
    columns[column++].add_bytes(record->claim.location);
    columns[column++].add_text(as_text(record->claim.metadata));
    columns[column++].add(static_cast<std::int64_t>(record->claim.stamp.bytes));
    columns[column++].add(record->claim.stamp.modified_ns);
    columns[column++].add(record->claim.stamp.changed_ns);
    record->attempted ? columns[column].add_bytes(record->attempted->view())
                      : columns[column].add_null();
    columns[++column].add_text(name_of(record->outcome));
    columns[++column].add_text(as_text(record->message));
    columns[++column].add_text(as_text(record->fingerprint));
    ++column;
    record->current ? columns[column].add_bytes(current.id.view()) : columns[column].add_null();
    columns[++column].add(std::int64_t{current.pages});
    columns[++column].add(std::int64_t{current.chunks});
    columns[++column].add(static_cast<std::int64_t>(current.tokens));
    for (const auto time : all_document_times) {
      const std::optional<WallTime>& at = record->times.*time;
      ++column;
      at ? columns[column].add(std::int64_t{at->time_since_epoch().count()})
         : columns[column].add_null();
    }
  }
  PostgresParameters parameters;
  for (const PostgresArray& column : columns) parameters.texts.push_back(column.literal());
  return parameters;
}

// What a document is fenced by, both locked until the transaction ends.
struct Fence {
  std::optional<VersionId> intended;
  VersionId current;  // VersionId(): none
};

Result<std::unordered_map<std::string, Fence>> lock_fences(PostgresConnection& connection,
                                                           const std::string& keys) {
  // The first half is finished before the second begins: all who lock both lock in this order.
  const auto rows = connection.run(
      "WITH fences AS MATERIALIZED (SELECT key, version FROM penstock.intents "
      "  WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE), "
      "known AS MATERIALIZED (SELECT key, current FROM penstock.documents "
      "  WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE) "
      "SELECT true, key, encode(version, 'hex') FROM fences UNION ALL "
      "SELECT false, key, encode(current, 'hex') FROM known",
      {{keys}, {}});
  if (!rows) return pass_on(rows.error());
  std::unordered_map<std::string, Fence> fences;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    if (rows->is_null(row, 2)) continue;
    Fence& fence = fences[std::string(rows->text(row, 1))];
    const VersionId version = version_from_hex(rows->text(row, 2));
    if (rows->boolean(row, 0)) {
      fence.intended = version;
    } else {
      fence.current = version;
    }
  }
  return fences;
}

// Stores those of the records, of different documents, that are not refused. Adds the keys of the
// others to `refused`.
Result<void> record_round(PostgresConnection& connection,
                          std::span<const DocumentRecord* const> records, std::int64_t call,
                          std::vector<std::string>& refused) {
  PostgresArray keys;
  for (const DocumentRecord* record : records) keys.add_text(record->claim.key);
  const auto fences = lock_fences(connection, keys.literal());
  if (!fences) return pass_on(fences.error());
  std::vector<const DocumentRecord*> admitted;
  PostgresArray intended;
  for (const DocumentRecord* record : records) {
    const auto found = fences->find(record->claim.key);
    const Fence fence = found == fences->end() ? Fence() : found->second;
    const VersionId wanted = record->current ? record->current->id : VersionId();
    const bool may_replace =
        fence.intended == wanted && record->replaces.value_or(fence.current) == fence.current;
    if (may_replace) intended.add_text(record->claim.key);
    if (may_replace || wanted == fence.current) admitted.push_back(record);
  }
  PostgresParameters parameters = as_arrays(admitted);
  parameters.texts.push_back(intended.literal());
  parameters.texts.push_back(std::to_string(call));
  // A document that is new to both of two writers is locked by neither: the later one looks again.
  const auto stored = connection.run(
      "INSERT INTO penstock.documents AS stored (key, location, metadata, bytes, modified_ns, "
      "  changed_ns, attempted, outcome, message, fingerprint, current, pages, chunks, tokens, "
      "  started_ms, extracted_ms, embedded_ms, stored_ms, done_ms, attempts, recorded_by) "
      "SELECT entry.*, 1, $21::bigint FROM unnest($1::text[], $2::bytea[], $3::text[], "
      "  $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::text[], "
      "  $10::text[], $11::bytea[], $12::bigint[], $13::bigint[], $14::bigint[], "
      "  $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[]) "
      "  AS entry(key) "
      "ORDER BY entry.key COLLATE \"C\" "
      "ON CONFLICT (key) DO UPDATE SET location = excluded.location, "
      "  metadata = excluded.metadata, bytes = excluded.bytes, "
      "  modified_ns = excluded.modified_ns, changed_ns = excluded.changed_ns, "
      "  attempted = excluded.attempted, outcome = excluded.outcome, message = excluded.message, "
      "  fingerprint = excluded.fingerprint, current = excluded.current, "
      "  pages = excluded.pages, chunks = excluded.chunks, tokens = excluded.tokens, "
      "  started_ms = excluded.started_ms, extracted_ms = excluded.extracted_ms, "
      "  embedded_ms = excluded.embedded_ms, stored_ms = excluded.stored_ms, "
      "  done_ms = excluded.done_ms, "
      "  attempts = stored.attempts + (stored.recorded_by <> excluded.recorded_by)::integer, "
      "  recorded_by = excluded.recorded_by "
      "WHERE stored.current IS NOT DISTINCT FROM excluded.current "
      "  OR excluded.key = ANY($20::text[]) "
      "RETURNING key",
      parameters);
  if (!stored) return pass_on(stored.error());
  std::unordered_set<std::string_view> kept;
  for (std::size_t row = 0; row < stored->size(); ++row) kept.insert(stored->text(row, 0));
  for (const DocumentRecord* record : records)
    if (!kept.contains(record->claim.key)) refused.push_back(record->claim.key);
  return {};
}

// A statement touches a row once, so records of one document go one after another.
std::vector<std::vector<const DocumentRecord*>> rounds_of(std::span<const DocumentRecord> records) {
  std::vector<std::vector<const DocumentRecord*>> rounds;
  std::unordered_map<std::string_view, std::size_t> seen;
  for (const DocumentRecord& record : records) {
    const std::size_t round = seen[record.claim.key]++;
    if (round == rounds.size()) rounds.emplace_back();
    rounds[round].push_back(&record);
  }
  return rounds;
}

std::int64_t random_call() {
  static thread_local std::mt19937_64 random{std::random_device()()};
  return static_cast<std::int64_t>(random());
}

}  // namespace

PostgresLedger::PostgresLedger(PostgresPool& pool) : pool_(pool) {
  bring_to_current_schema(pool, "ledger", migrations);
}

Result<std::optional<DocumentRecord>> PostgresLedger::find(const std::string& key) {
  if (!require_key(key)) return std::nullopt;
  const auto rows = pool_.run(
      "SELECT " PENSTOCK_DOCUMENT_COLUMNS " FROM penstock.documents WHERE key = $1", {{key}, {}});
  if (!rows) return pass_on(rows.error());
  if (rows->size() == 0) return std::nullopt;
  return read_record(*rows, 0);
}

Result<void> PostgresLedger::intend(std::span<const VersionName> intents) {
  if (intents.empty()) return {};
  if (auto sound = require_keys(intents, &VersionName::key); !sound) return sound;
  return done(pool_.run(
      "INSERT INTO penstock.intents AS stored (key, version, superseded) "
      "SELECT key, versions[cardinality(versions)], "
      "  array(SELECT DISTINCT earlier FROM unnest(versions) AS earlier "
      "        WHERE earlier <> versions[cardinality(versions)]) "
      "FROM (SELECT key, array_agg(version ORDER BY place) AS versions "
      "  FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS named(key, version, place) "
      "  GROUP BY key) AS documents "
      "ORDER BY key COLLATE \"C\" "
      "ON CONFLICT (key) DO UPDATE SET version = excluded.version, "
      "  superseded = array(SELECT DISTINCT earlier "
      "    FROM unnest(stored.superseded || stored.version || excluded.superseded) AS earlier "
      "    WHERE earlier <> excluded.version)",
      names_as_arrays(intents)));
}

Result<std::vector<std::string>> PostgresLedger::record(std::span<const DocumentRecord> records) {
  std::vector<std::string> refused;
  if (records.empty()) return refused;
  if (auto sound = require_keys(
          records, [](const DocumentRecord& each) -> const std::string& { return each.claim.key; });
      !sound)
    return pass_on(sound.error());
  const auto rounds = rounds_of(records);
  // One number a round: the second record of a document is an attempt of its own.
  std::vector<std::int64_t> calls(rounds.size());
  std::ranges::generate(calls, random_call);
  const Result<void> stored = pool_.transact([&](PostgresConnection& connection) -> Result<void> {
    refused.clear();
    for (std::size_t i = 0; i < rounds.size(); ++i)
      if (auto done = record_round(connection, rounds[i], calls[i], refused); !done) return done;
    return {};
  });
  if (!stored) return pass_on(stored.error());
  return refused;
}

Result<void> PostgresLedger::clear_intents(std::span<const VersionName> intents) {
  if (intents.empty()) return {};
  if (auto sound = require_keys(intents, &VersionName::key); !sound) return sound;
  return done(
      pool_.run("WITH cleared AS MATERIALIZED (SELECT intents.key FROM penstock.intents "
                "  JOIN unnest($1::text[], $2::bytea[]) AS named(key, version) "
                "    ON intents.key = named.key AND intents.version = named.version "
                "  ORDER BY intents.key FOR UPDATE OF intents) "
                "DELETE FROM penstock.intents WHERE key IN (SELECT key FROM cleared)",
                names_as_arrays(intents)));
}

Result<std::uint64_t> PostgresLedger::put_back(std::span<const Outcome> outcomes) {
  PostgresArray names;
  for (const Outcome outcome : outcomes) names.add_text(name_of(outcome));
  const auto rows = pool_.run(
      "WITH failed AS MATERIALIZED (SELECT key FROM penstock.documents "
      "  WHERE outcome = ANY($1::text[]) ORDER BY key FOR UPDATE), "
      "changed AS (UPDATE penstock.documents SET " PENSTOCK_PENDING
      "  WHERE key IN (SELECT key FROM failed) RETURNING 1) "
      "SELECT count(*) FROM changed",
      {{names.literal()}, {}});
  if (!rows) return pass_on(rows.error());
  return rows->natural(0, 0);
}

Result<void> PostgresLedger::put_back(const std::string& key) {
  if (!require_key(key)) return {};
  return done(
      pool_.run("UPDATE penstock.documents SET " PENSTOCK_PENDING " WHERE key = $1", {{key}, {}}));
}

Result<std::vector<std::string>> PostgresLedger::forget(std::span<const std::string> keys) {
  std::vector<std::string> kept;
  if (keys.empty()) return kept;
  if (auto sound = require_keys(keys, std::identity()); !sound) return pass_on(sound.error());
  const Result<void> committed =
      pool_.transact([&](PostgresConnection& connection) -> Result<void> {
        kept.clear();
        const auto fences = lock_fences(connection, text_array(keys));
        if (!fences) return pass_on(fences.error());
        for (const auto& [key, fence] : *fences)
          if (fence.current != VersionId() || fence.intended.value_or(VersionId()) != VersionId())
            kept.push_back(key);
        const PostgresParameters forgotten{{text_array(keys), text_array(kept)}, {}};
        for (const char* table : {"penstock.intents", "penstock.documents"}) {
          const auto removed =
              connection.run(std::string("DELETE FROM ") + table +
                                 " WHERE key = ANY($1::text[]) AND key <> ALL($2::text[])",
                             forgotten);
          if (!removed) return pass_on(removed.error());
        }
        return {};
      });
  if (!committed) return pass_on(committed.error());
  return kept;
}

Result<void> PostgresLedger::for_each(const std::function<bool(const DocumentRecord&)>& visit) {
  std::optional<std::string> last;
  for (;;) {
    // No cursor: it would hold a transaction, and a connection, for as long as the visits take.
    const auto rows =
        pool_.run("SELECT " PENSTOCK_DOCUMENT_COLUMNS " FROM penstock.documents " +
                      std::string(last ? "WHERE key > $2 " : "") + "ORDER BY key LIMIT $1::integer",
                  last ? PostgresParameters{{std::to_string(records_a_page), *last}, {}}
                       : PostgresParameters{{std::to_string(records_a_page)}, {}});
    if (!rows) return pass_on(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) {
      const DocumentRecord record = read_record(*rows, row);
      if (!visit(record)) return {};
      if (row + 1 == rows->size()) last = record.claim.key;
    }
    if (rows->size() < records_a_page) return {};
  }
}

Result<std::vector<VersionName>> PostgresLedger::intents() {
  const auto rows = pool_.run(
      "SELECT key, encode(intended, 'hex') FROM penstock.intents, "
      "unnest(superseded || version) AS intended ORDER BY key, intended");
  if (!rows) return pass_on(rows.error());
  return read_names(*rows);
}

Result<std::vector<VersionName>> PostgresLedger::intents(std::span<const std::string> keys) {
  if (auto sound = require_keys(keys, std::identity()); !sound) return pass_on(sound.error());
  const auto rows = pool_.run(
      "SELECT key, encode(intended, 'hex') FROM penstock.intents, "
      "unnest(superseded || version) AS intended WHERE key = ANY($1::text[]) "
      "ORDER BY key, intended",
      {{text_array(keys)}, {}});
  if (!rows) return pass_on(rows.error());
  return read_names(*rows);
}

Result<LedgerTotals> PostgresLedger::totals() {
  const auto rows = pool_.run(
      "SELECT outcome, count(*), sum(chunks)::bigint, sum(pages)::bigint, sum(tokens)::bigint, "
      "sum(bytes)::bigint FROM penstock.documents GROUP BY outcome");
  if (!rows) return pass_on(rows.error());
  LedgerTotals totals;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    totals.documents[outcome_named(rows->text(row, 0)).value_or(Outcome::pending)] +=
        rows->natural(row, 1);
    totals.chunks += rows->natural(row, 2);
    totals.pages += rows->natural(row, 3);
    totals.tokens += rows->natural(row, 4);
    totals.bytes += rows->natural(row, 5);
  }
  return totals;
}

}  // namespace penstock
