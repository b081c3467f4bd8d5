#include "engine/backends/sqlite/sqlite_vectors.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/backends/sqlite/vector_index.h"
#include "engine/io/stored_model.h"

namespace penstock {
namespace {

// chunks.id and vectors.id of a version's first chunk.
std::int64_t first_id(std::int64_t version) {
  return version << chunk_id_bits;
}

std::string_view bytes_of(std::span<const float> floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size_bytes()};
}

}  // namespace

struct SqliteVectors::Statements {
  explicit Statements(Database& database)
      : find_version(database.prepare("SELECT id FROM versions WHERE key = ?1 AND version = ?2")),
        next_id(database.prepare(
            "INSERT INTO settings VALUES ('versions_last', "
            "(SELECT coalesce(max(id), 0) + 1 FROM versions)) ON CONFLICT (name) DO UPDATE "
            "SET value = CAST(value AS INTEGER) + 1 RETURNING CAST(value AS INTEGER)")),
        count_removal(database.prepare(
            "INSERT INTO settings VALUES ('versions_removed', 1) ON CONFLICT (name) DO UPDATE "
            "SET value = CAST(value AS INTEGER) + 1")),
        add_version(database.prepare("INSERT INTO versions VALUES (?1, ?2, ?3)")),
        remove_version(database.prepare("DELETE FROM versions WHERE id = ?1")),
        add_chunk(database.prepare("INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")),
        add_vector(database.prepare("INSERT INTO vectors VALUES (?1, ?2)")),
        remove_chunks(database.prepare("DELETE FROM chunks WHERE id >= ?1 AND id < ?2")),
        remove_vectors(database.prepare("DELETE FROM vectors WHERE id >= ?1 AND id < ?2")),
        read_chunks(database.prepare(
            "SELECT id, page_first, page_last, char_begin, char_end, tokens, text FROM chunks "
            "WHERE id >= ?1 AND id < ?2 ORDER BY id")),
        count(database.prepare("SELECT (SELECT count(*) FROM chunks WHERE id >= ?1 AND id < ?2), "
                               "(SELECT count(*) FROM vectors WHERE id >= ?1 AND id < ?2)")) {}

  Statement find_version;
  Statement next_id;  // never one that was used before: who has read the others reads only these
  Statement count_removal;
  Statement add_version;
  Statement remove_version;
  Statement add_chunk;
  Statement add_vector;
  Statement remove_chunks;
  Statement remove_vectors;
  Statement read_chunks;
  Statement count;
};

SqliteVectors::SqliteVectors(const std::string& path, const std::string& model,
                             std::size_t dimensions)
    : database_(path, OpenMode::write), statements_(std::make_unique<Statements>(database_)) {
  Statement adopt = database_.prepare("INSERT OR IGNORE INTO settings VALUES ('model', ?1)");
  const std::string adopted = description_of_model(model, dimensions);
  if (const auto done = adopt.bind_text(1, adopted).run(); !done)
    throw FatalError(done.error().message);
  require_model(model, dimensions);
}

SqliteVectors::SqliteVectors(const std::string& path)
    : database_(path, OpenMode::read), statements_(std::make_unique<Statements>(database_)) {}

SqliteVectors::~SqliteVectors() = default;

void SqliteVectors::require_model(const std::string& model, std::size_t dimensions) {
  const std::string wanted = description_of_model(model, dimensions);
  Statement stored = database_.prepare("SELECT value FROM settings WHERE name = 'model'");
  const Result<bool> row = stored.step();
  if (!row) throw FatalError(row.error().message);
  if (*row && stored.bytes(0) != wanted)
    throw FatalError(database_.path() + ": " +
                     refusal_of_model(std::string(stored.bytes(0)), wanted));
}

Result<std::optional<std::int64_t>> SqliteVectors::find_version(const std::string& key,
                                                                const VersionId& version) {
  Statement& find = statements_->find_version;
  find.bind_text(1, key).bind_blob(2, version.view());
  const Result<bool> row = find.step();
  if (!row) return pass_on(row.error());
  std::optional<std::int64_t> id;
  if (*row) id = find.integer(0);
  find.reset();
  return id;
}

Result<void> SqliteVectors::remove_version(std::int64_t version) {
  for (Statement* remove : {&statements_->remove_chunks, &statements_->remove_vectors}) {
    remove->bind(1, first_id(version)).bind(2, first_id(version + 1));
    if (auto done = remove->run(); !done) return done;
  }
  if (auto done = statements_->remove_version.bind(1, version).run(); !done) return done;
  return statements_->count_removal.run();
}

Result<void> SqliteVectors::upsert_one(const VersionChunks& version) {
  assert(version.chunks.size() < std::size_t{1} << chunk_id_bits);
  const auto known = find_version(version.key, version.version);
  if (!known) return pass_on(known.error());
  if (*known) {
    if (auto removed = remove_version(**known); !removed) return removed;
  }
  const Result<bool> row = statements_->next_id.step();
  if (!row) return pass_on(row.error());
  const std::int64_t id = statements_->next_id.integer(0);
  statements_->next_id.reset();
  Statement& add = statements_->add_version;
  add.bind(1, id).bind_text(2, version.key).bind_blob(3, version.version.view());
  if (auto added = add.run(); !added) return added;

  const std::size_t dimensions =
      version.chunks.empty() ? 0 : version.vectors.size() / version.chunks.size();
  for (std::size_t i = 0; i < version.chunks.size(); ++i) {
    const Chunk& chunk = version.chunks[i];
    const std::int64_t chunk_id = first_id(id) + chunk.ordinal;
    statements_->add_chunk.bind(1, chunk_id)
        .bind(2, chunk.page_first)
        .bind(3, chunk.page_last)
        .bind(4, chunk.char_begin)
        .bind(5, chunk.char_end)
        .bind(6, chunk.tokens)
        .bind_text(7, chunk.text);
    if (auto done = statements_->add_chunk.run(); !done) return done;
    statements_->add_vector.bind(1, chunk_id)
        .bind_blob(2, bytes_of(version.vectors.subspan(i * dimensions, dimensions)));
    if (auto done = statements_->add_vector.run(); !done) return done;
  }
  return {};
}

Result<void> SqliteVectors::upsert(std::span<const VersionChunks> versions) {
  if (versions.empty()) return {};
  return in_transaction(database_, [&]() -> Result<void> {
    for (const VersionChunks& version : versions)
      if (auto done = upsert_one(version); !done) return done;
    return {};
  });
}

Result<VersionCount> SqliteVectors::count_one(const VersionName& version) {
  const auto id = find_version(version.key, version.version);
  if (!id) return pass_on(id.error());
  if (!*id) return VersionCount{};
  Statement& count = statements_->count;
  count.bind(1, first_id(**id)).bind(2, first_id(**id + 1));
  const Result<bool> row = count.step();
  if (!row) return pass_on(row.error());
  const VersionCount counted{count.natural(0), count.natural(1)};
  count.reset();
  return counted;
}

Result<std::vector<VersionCount>> SqliteVectors::count(std::span<const VersionName> versions) {
  std::vector<VersionCount> counts;
  for (const VersionName& version : versions) {
    const Result<VersionCount> count = count_one(version);
    if (!count) return pass_on(count.error());
    counts.push_back(*count);
  }
  return counts;
}

Result<void> SqliteVectors::remove(std::span<const VersionName> versions) {
  if (versions.empty()) return {};
  return in_transaction(database_, [&]() -> Result<void> {
    for (const VersionName& version : versions) {
      const auto id = find_version(version.key, version.version);
      if (!id) return pass_on(id.error());
      if (!*id) continue;
      if (auto done = remove_version(**id); !done) return done;
    }
    return {};
  });
}

Result<void> SqliteVectors::for_each(const std::function<bool(const StoredVersion&)>& visit) {
  Statement all = database_.prepare(
      "SELECT key, version, "
      "(SELECT count(*) FROM chunks c WHERE c.id >= v.id << 20 AND c.id < (v.id + 1) << 20), "
      "(SELECT count(*) FROM vectors w WHERE w.id >= v.id << 20 AND w.id < (v.id + 1) << 20) "
      "FROM versions v ORDER BY key, version");
  for (;;) {
    const Result<bool> row = all.step();
    if (!row) return pass_on(row.error());
    if (!*row) return {};
    StoredVersion stored;
    stored.name.key = all.bytes(0);
    const std::string_view version = all.bytes(1);
    std::memcpy(stored.name.version.bytes.data(), version.data(),
                std::min(version.size(), stored.name.version.bytes.size()));
    stored.count = {all.natural(2), all.natural(3)};
    if (!visit(stored)) return {};
  }
}

Result<std::vector<StoredChunk>> SqliteVectors::chunks(const VersionName& version) {
  std::vector<StoredChunk> chunks;
  const auto id = find_version(version.key, version.version);
  if (!id) return pass_on(id.error());
  if (!*id) return chunks;
  Statement& read = statements_->read_chunks;
  read.bind(1, first_id(**id)).bind(2, first_id(**id + 1));
  for (;;) {
    const Result<bool> row = read.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    StoredChunk& stored = chunks.emplace_back();
    stored.chunk = {static_cast<std::uint32_t>(read.integer(0) - first_id(**id)),
                    static_cast<std::uint32_t>(read.integer(1)),
                    static_cast<std::uint32_t>(read.integer(2)),
                    read.natural(3),
                    read.natural(4),
                    static_cast<std::uint32_t>(read.integer(5)),
                    {}};
    stored.text = read.bytes(6);
  }
  read.reset();
  return chunks;
}

Result<VersionCount> SqliteVectors::totals() {
  Statement counts =
      database_.prepare("SELECT (SELECT count(*) FROM chunks), (SELECT count(*) FROM vectors)");
  const Result<bool> row = counts.step();
  if (!row) return pass_on(row.error());
  return VersionCount{counts.natural(0), counts.natural(1)};
}

Result<std::vector<Hit>> SqliteVectors::search(
    std::span<const float> query, std::size_t hits_max,
    const std::function<bool(const std::string&)>& accept) {
  const std::lock_guard lock(search_mutex_);
  if (!index_) index_ = std::make_unique<VectorIndex>(database_.path());
  return index_->search(query, hits_max, accept);
}

}  // namespace penstock
