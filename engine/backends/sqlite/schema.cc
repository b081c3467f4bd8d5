#include "engine/backends/sqlite/schema.h"

#include <cstdint>
#include <iterator>
#include <string>

#include "engine/backends/sqlite/database.h"

namespace penstock {
namespace {

// "PENS": says that the file is ours, in its header, where file(1) looks too.
constexpr std::int64_t application_id = 0x50454E53;

// migrations[i] leads from schema version i to i + 1. Only ever add to the end.
constexpr const char* migrations[] = {
    // 1: the first.
    R"sql(
      CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

      -- The ledger.
      CREATE TABLE documents (
        key TEXT PRIMARY KEY,
        location BLOB NOT NULL,
        metadata TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL,
        attempted BLOB,
        outcome TEXT NOT NULL,
        message TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        current BLOB,
        pages INTEGER NOT NULL,
        chunks INTEGER NOT NULL,
        tokens INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE intents (
        key TEXT NOT NULL,
        version BLOB NOT NULL,
        PRIMARY KEY (key, version)
      ) STRICT, WITHOUT ROWID;

      -- The vectors. A chunk's id is version * 2^20 + ordinal, so that a version is one range of ids
      -- and a load appends. Vectors are apart from texts, so that reading them all reads nothing else.
      CREATE TABLE versions (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        version BLOB NOT NULL,
        UNIQUE (key, version)
      ) STRICT;
      CREATE TABLE chunks (
        id INTEGER PRIMARY KEY,
        page_first INTEGER NOT NULL,
        page_last INTEGER NOT NULL,
        char_begin INTEGER NOT NULL,
        char_end INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        text TEXT NOT NULL
      ) STRICT;
      CREATE TABLE vectors (id INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
    )sql",
    // 2: the embedding cache. Ids ascend in the order of writing, without gaps: the oldest go
    // first.
    R"sql(
      CREATE TABLE embeddings (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        vector BLOB NOT NULL
      ) STRICT;
    )sql",
    // 3: of a document's intents, which is the last.
    R"sql(
      ALTER TABLE intents ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
    )sql",
    // 4: the broker. A document waits until at_ms, or is leased until then; its position, from when
    // it was enqueued, is its turn. What follows a leased document takes its row.
    R"sql(
      CREATE TABLE queue (
        queue TEXT NOT NULL,
        key TEXT NOT NULL,
        lane TEXT NOT NULL,
        state TEXT NOT NULL,
        position INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        retried INTEGER NOT NULL,
        worker TEXT NOT NULL,
        location BLOB NOT NULL,
        metadata TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (queue, key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX queue_turns ON queue (queue, lane, state, position);
      CREATE TABLE queue_followers (
        queue TEXT NOT NULL,
        key TEXT NOT NULL,
        lane TEXT NOT NULL,
        location BLOB NOT NULL,
        metadata TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL,
        PRIMARY KEY (queue, key)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE queue_workers (
        queue TEXT NOT NULL,
        worker TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        report TEXT NOT NULL,
        PRIMARY KEY (queue, worker)
      ) STRICT, WITHOUT ROWID;
    )sql",
    // 5: the catalog. Idempotency keys ascend in the order of use. The first index is all that a
    // tenant's totals read.
    R"sql(
      CREATE TABLE catalog (
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        media_type TEXT NOT NULL,
        file_name TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        digest BLOB NOT NULL,
        lane TEXT NOT NULL,
        metadata TEXT NOT NULL,
        region TEXT NOT NULL,
        location BLOB NOT NULL,
        received_ms INTEGER NOT NULL,
        queued_ms INTEGER,
        is_removed INTEGER NOT NULL,
        PRIMARY KEY (tenant, id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX catalog_listed ON catalog (tenant, received_ms, id, bytes) WHERE NOT is_removed;
      CREATE INDEX catalog_unqueued ON catalog (received_ms, tenant, id) WHERE queued_ms IS NULL;
      CREATE INDEX catalog_removed ON catalog (received_ms, tenant, id) WHERE is_removed;
      CREATE TABLE catalog_keys (
        place INTEGER PRIMARY KEY,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        key BLOB NOT NULL,
        request BLOB NOT NULL,
        UNIQUE (tenant, key)
      ) STRICT;
      CREATE INDEX catalog_keys_of_entry ON catalog_keys (tenant, id);
      CREATE TABLE catalog_reserved (
        location BLOB PRIMARY KEY,
        reserved_ms INTEGER NOT NULL,
        is_condemned INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX catalog_reserved_ages ON catalog_reserved (reserved_ms, location);
    )sql",
    // 6: when a document came to each stage, by the calendar.
    R"sql(
      ALTER TABLE documents ADD COLUMN started_ms INTEGER;
      ALTER TABLE documents ADD COLUMN extracted_ms INTEGER;
      ALTER TABLE documents ADD COLUMN embedded_ms INTEGER;
      ALTER TABLE documents ADD COLUMN stored_ms INTEGER;
      ALTER TABLE documents ADD COLUMN done_ms INTEGER;
    )sql",
};
constexpr std::int64_t schema_version = std::size(migrations);

void require(const Result<void>& result) {
  if (!result) throw FatalError(result.error().message);
}

std::int64_t pragma(Database& database, const char* sql) {
  Statement statement = database.prepare(sql);
  const Result<bool> row = statement.step();
  if (!row) throw FatalError(row.error().message);
  return *row ? statement.integer(0) : 0;
}

bool is_empty(Database& database) {
  return pragma(database, "SELECT count(*) FROM sqlite_schema") == 0;
}

// Throws unless the file is ours and not newer than this program; returns its schema version.
std::int64_t known_version(Database& database) {
  if (pragma(database, "PRAGMA application_id") != application_id)
    throw FatalError(database.path() + ": not a penstock store; choose another --store");
  const std::int64_t version = pragma(database, "PRAGMA user_version");
  if (version > schema_version)
    throw FatalError(database.path() + ": written by a newer penstock (schema " +
                     std::to_string(version) + ", this one knows " +
                     std::to_string(schema_version) + "); use that one");
  return version;
}

}  // namespace

void bring_to_current_schema(Database& database) {
  // Before the first table: pages that hold ten vectors of 384 rather than two.
  require(database.execute("PRAGMA page_size = 16384"));
  const bool is_new = is_empty(database);
  if (!is_new) known_version(database);
  // A commit is safe against a crash of the process at once, against one of the machine once the
  // log is flushed, and never torn: what is lost then is done again by the next run.
  require(database.execute("PRAGMA journal_mode = WAL"));
  require(database.execute("PRAGMA synchronous = NORMAL"));

  require(in_transaction(database, [&]() -> Result<void> {
    // Asked again inside the transaction: another process may have been faster.
    std::int64_t version = is_empty(database) ? 0 : known_version(database);
    if (version == schema_version) return {};
    for (; version < schema_version; ++version)
      if (auto migrated = database.execute(migrations[version]); !migrated) return migrated;
    const std::string marks = "PRAGMA application_id = " + std::to_string(application_id) +
                              "; PRAGMA user_version = " + std::to_string(schema_version);
    return database.execute(marks.c_str());
  }));
}

void require_current_schema(Database& database) {
  if (known_version(database) < schema_version)
    throw FatalError(database.path() +
                     ": written by an older penstock; penstock backfill brings it up to date");
}

Result<void> check_integrity(Database& database) {
  Statement statement = database.prepare("PRAGMA quick_check(1)");
  const Result<bool> row = statement.step();
  if (!row) return pass_on(row.error());
  if (statement.bytes(0) != "ok")
    return permanent_error(database.path() + ": damaged: " + std::string(statement.bytes(0)) +
                           "; restore it, or remove it and backfill");
  return {};
}

}  // namespace penstock
