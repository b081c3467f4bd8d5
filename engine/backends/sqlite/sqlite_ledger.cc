#include "engine/backends/sqlite/sqlite_ledger.h"

#include <algorithm>

#include "engine/backends/sqlite/schema.h"

namespace penstock {
namespace {

#define PENSTOCK_DOCUMENT_COLUMNS                                                          \
  "key, location, metadata, bytes, modified_ns, changed_ns, attempted, outcome, message, " \
  "attempts, fingerprint, current, pages, chunks, tokens, "                                \
  "started_ms, extracted_ms, embedded_ms, stored_ms, done_ms"

// As put_back() makes a document.
#define PENSTOCK_PENDING                                                        \
  "outcome = 'pending', message = '', started_ms = NULL, extracted_ms = NULL, " \
  "embedded_ms = NULL, stored_ms = NULL, done_ms = NULL"

VersionId version_from(std::string_view bytes) {
  VersionId version;
  std::copy_n(bytes.begin(), std::min(bytes.size(), version.bytes.size()), version.bytes.begin());
  return version;
}

DocumentRecord read_record(const Statement& row) {
  DocumentRecord record;
  record.claim.key = row.bytes(0);
  record.claim.location = row.bytes(1);
  record.claim.metadata = row.bytes(2);
  record.claim.stamp = {row.natural(3), row.integer(4), row.integer(5)};
  if (!row.is_null(6)) record.attempted = version_from(row.bytes(6));
  record.outcome = outcome_named(row.bytes(7)).value_or(Outcome::pending);
  record.message = row.bytes(8);
  record.attempts = static_cast<std::uint32_t>(row.integer(9));
  record.fingerprint = row.bytes(10);
  if (!row.is_null(11))
    record.current =
        CurrentVersion{version_from(row.bytes(11)), static_cast<std::uint32_t>(row.integer(12)),
                       static_cast<std::uint32_t>(row.integer(13)), row.natural(14)};
  for (int column = 15; const auto time : all_document_times) {
    if (!row.is_null(column))
      record.times.*time = WallTime(std::chrono::milliseconds(row.integer(column)));
    ++column;
  }
  return record;
}

void bind_record(Statement& statement, const DocumentRecord& record) {
  const CurrentVersion current = record.current.value_or(CurrentVersion{});
  statement.bind_text(1, record.claim.key)
      .bind_blob(2, record.claim.location)
      .bind_text(3, record.claim.metadata)
      .bind(4, record.claim.stamp.bytes)
      .bind(5, record.claim.stamp.modified_ns)
      .bind(6, record.claim.stamp.changed_ns);
  record.attempted ? statement.bind_blob(7, record.attempted->view()) : statement.bind_null(7);
  statement.bind_text(8, name_of(record.outcome))
      .bind_text(9, record.message)
      .bind_text(10, record.fingerprint);
  record.current ? statement.bind_blob(11, record.current->id.view()) : statement.bind_null(11);
  statement.bind(12, current.pages).bind(13, current.chunks).bind(14, current.tokens);
  for (int parameter = 15; const auto time : all_document_times) {
    const std::optional<WallTime>& at = record.times.*time;
    at ? statement.bind(parameter, std::int64_t{at->time_since_epoch().count()})
       : statement.bind_null(parameter);
    ++parameter;
  }
}

}  // namespace

struct SqliteLedger::Statements {
  explicit Statements(Database& database)
      : supersede(database.prepare("UPDATE intents SET superseded = 1 WHERE key = ?1")),
        intend(database.prepare("INSERT INTO intents (key, version, superseded) VALUES (?1, ?2, 0) "
                                "ON CONFLICT DO UPDATE SET superseded = 0")),
        intents_of(database.prepare("SELECT version FROM intents WHERE key = ?1 ORDER BY version")),
        // Whether a record may make the version current: it is already, or it was intended last.
        // in place of ?3. No version is one of zeros, ?4.
        may_be_current(database.prepare(
            "SELECT known.current = ?2 OR ((?3 IS NULL OR known.current = ?3) AND "
            "EXISTS (SELECT 1 FROM intents WHERE key = ?1 AND version = ?2 AND NOT superseded)) "
            "FROM (SELECT coalesce((SELECT current FROM documents WHERE key = ?1), ?4) AS current) "
            "AS known")),
        record(database.prepare(
            "INSERT INTO documents (" PENSTOCK_DOCUMENT_COLUMNS ") "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?11, ?12, ?13, ?14, "
            "?15, ?16, ?17, ?18, ?19) "
            "ON CONFLICT (key) DO UPDATE SET location = ?2, metadata = ?3, bytes = ?4, "
            "modified_ns = ?5, changed_ns = ?6, attempted = ?7, outcome = ?8, message = ?9, "
            "attempts = attempts + 1, fingerprint = ?10, current = ?11, pages = ?12, "
            "chunks = ?13, tokens = ?14, started_ms = ?15, extracted_ms = ?16, "
            "embedded_ms = ?17, stored_ms = ?18, done_ms = ?19")),
        clear_intents(
            database.prepare("DELETE FROM intents WHERE key = ?1 AND EXISTS (SELECT 1 FROM intents "
                             "WHERE key = ?1 AND version = ?2 AND NOT superseded)")),
        put_back_outcome(database.prepare("UPDATE documents SET " PENSTOCK_PENDING
                                          " WHERE outcome = ?1 RETURNING 1")),
        put_back_key(database.prepare("UPDATE documents SET " PENSTOCK_PENDING " WHERE key = ?1")),
        is_in_use(database.prepare(
            "SELECT EXISTS (SELECT 1 FROM documents WHERE key = ?1 AND current IS NOT NULL) OR "
            "EXISTS (SELECT 1 FROM intents WHERE key = ?1 AND version <> ?2 AND NOT superseded)")),
        forget(database.prepare("DELETE FROM documents WHERE key = ?1")),
        forget_intents(database.prepare("DELETE FROM intents WHERE key = ?1")) {}

  Statement supersede;
  Statement intend;
  Statement intents_of;
  Statement may_be_current;
  Statement record;
  Statement clear_intents;
  Statement put_back_outcome;
  Statement put_back_key;
  Statement is_in_use;
  Statement forget;
  Statement forget_intents;
};

SqliteLedger::SqliteLedger(const std::string& path, OpenMode mode)
    : writer_(path, mode),
      statements_(std::make_unique<Statements>(writer_)),
      reader_(path, OpenMode::read),
      find_(reader_.prepare("SELECT " PENSTOCK_DOCUMENT_COLUMNS " FROM documents WHERE key = ?1")) {
}

SqliteLedger::~SqliteLedger() = default;

Result<std::optional<DocumentRecord>> SqliteLedger::find(const std::string& key) {
  const std::lock_guard lock(find_mutex_);
  find_.bind_text(1, key);
  const Result<bool> row = find_.step();
  if (!row) return pass_on(row.error());
  std::optional<DocumentRecord> record;
  if (*row) record = read_record(find_);
  find_.reset();
  return record;
}

Result<void> SqliteLedger::intend(std::span<const VersionName> intents) {
  if (intents.empty()) return {};
  return in_transaction(writer_, [&]() -> Result<void> {
    for (const VersionName& intent : intents) {
      if (auto done = statements_->supersede.bind_text(1, intent.key).run(); !done) return done;
      statements_->intend.bind_text(1, intent.key).bind_blob(2, intent.version.view());
      if (auto done = statements_->intend.run(); !done) return done;
    }
    return {};
  });
}

Result<bool> SqliteLedger::is_fenced_off(const DocumentRecord& record) {
  const VersionId wanted = record.current ? record.current->id : VersionId();
  Statement& question = statements_->may_be_current;
  const VersionId none;
  question.bind_text(1, record.claim.key).bind_blob(2, wanted.view()).bind_blob(4, none.view());
  record.replaces ? question.bind_blob(3, record.replaces->view()) : question.bind_null(3);
  const Result<bool> row = question.step();
  if (!row) return row;
  const bool may_be_current = question.integer(0) != 0;
  question.reset();
  return !may_be_current;
}

Result<std::vector<std::string>> SqliteLedger::record(std::span<const DocumentRecord> records) {
  std::vector<std::string> refused;
  if (records.empty()) return refused;
  const auto stored = in_transaction(writer_, [&]() -> Result<void> {
    for (const DocumentRecord& record : records) {
      const Result<bool> fenced_off = is_fenced_off(record);
      if (!fenced_off) return pass_on(fenced_off.error());
      if (*fenced_off) {
        refused.push_back(record.claim.key);
        continue;
      }
      bind_record(statements_->record, record);
      if (auto done = statements_->record.run(); !done) return done;
    }
    return {};
  });
  if (!stored) return pass_on(stored.error());
  return refused;
}

Result<void> SqliteLedger::clear_intents(std::span<const VersionName> intents) {
  if (intents.empty()) return {};
  return in_transaction(writer_, [&]() -> Result<void> {
    for (const VersionName& intent : intents) {
      statements_->clear_intents.bind_text(1, intent.key).bind_blob(2, intent.version.view());
      if (auto done = statements_->clear_intents.run(); !done) return done;
    }
    return {};
  });
}

Result<std::uint64_t> SqliteLedger::put_back(std::span<const Outcome> outcomes) {
  std::uint64_t changed = 0;
  const Result<void> done = in_transaction(writer_, [&]() -> Result<void> {
    for (const Outcome outcome : outcomes) {
      Statement& statement = statements_->put_back_outcome;
      statement.bind_text(1, name_of(outcome));
      for (;;) {
        const Result<bool> row = statement.step();
        if (!row) return pass_on(row.error());
        if (!*row) break;
        ++changed;
      }
      statement.reset();
    }
    return {};
  });
  if (!done) return pass_on(done.error());
  return changed;
}

Result<void> SqliteLedger::put_back(const std::string& key) {
  return statements_->put_back_key.bind_text(1, key).run();
}

Result<std::vector<std::string>> SqliteLedger::forget(std::span<const std::string> keys) {
  std::vector<std::string> kept;
  if (keys.empty()) return kept;
  const auto committed = in_transaction(writer_, [&]() -> Result<void> {
    const VersionId none;
    for (const std::string& key : keys) {
      Statement& question = statements_->is_in_use;
      question.bind_text(1, key).bind_blob(2, none.view());
      if (const auto row = question.step(); !row) return pass_on(row.error());
      const bool is_in_use = question.integer(0) != 0;
      question.reset();
      if (is_in_use) {
        kept.push_back(key);
        continue;
      }
      if (auto done = statements_->forget.bind_text(1, key).run(); !done) return done;
      if (auto done = statements_->forget_intents.bind_text(1, key).run(); !done) return done;
    }
    return {};
  });
  if (!committed) return pass_on(committed.error());
  return kept;
}

Result<void> SqliteLedger::for_each(const std::function<bool(const DocumentRecord&)>& visit) {
  Statement all =
      writer_.prepare("SELECT " PENSTOCK_DOCUMENT_COLUMNS " FROM documents ORDER BY key");
  for (;;) {
    const Result<bool> row = all.step();
    if (!row) return pass_on(row.error());
    if (!*row || !visit(read_record(all))) return {};
  }
}

Result<std::vector<VersionName>> SqliteLedger::intents() {
  std::vector<VersionName> found;
  Statement all = writer_.prepare("SELECT key, version FROM intents ORDER BY key, version");
  for (;;) {
    const Result<bool> row = all.step();
    if (!row) return pass_on(row.error());
    if (!*row) return found;
    found.push_back({std::string(all.bytes(0)), version_from(all.bytes(1))});
  }
}

Result<std::vector<VersionName>> SqliteLedger::intents(std::span<const std::string> keys) {
  std::vector<VersionName> found;
  Statement& of_key = statements_->intents_of;
  for (const std::string& key : keys) {
    of_key.bind_text(1, key);
    for (;;) {
      const Result<bool> row = of_key.step();
      if (!row) return pass_on(row.error());
      if (!*row) break;
      found.push_back({key, version_from(of_key.bytes(0))});
    }
    of_key.reset();
  }
  return found;
}

Result<LedgerTotals> SqliteLedger::totals() {
  LedgerTotals totals;
  Statement sums = writer_.prepare(
      "SELECT outcome, count(*), sum(chunks), sum(pages), sum(tokens), sum(bytes) "
      "FROM documents GROUP BY outcome");
  for (;;) {
    const Result<bool> row = sums.step();
    if (!row) return pass_on(row.error());
    if (!*row) return totals;
    totals.documents[outcome_named(sums.bytes(0)).value_or(Outcome::pending)] += sums.natural(1);
    totals.chunks += sums.natural(2);
    totals.pages += sums.natural(3);
    totals.tokens += sums.natural(4);
    totals.bytes += sums.natural(5);
  }
}

Result<void> SqliteLedger::check_integrity() {
  return penstock::check_integrity(writer_);
}

}  // namespace penstock
