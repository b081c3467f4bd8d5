#include "engine/backends/postgres/pgvector_vectors.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/backends/postgres/postgres_values.h"
#include "engine/backends/postgres/schema.h"
#include "engine/backends/postgres/vector_rows.h"
#include "engine/io/stored_model.h"

namespace penstock {
namespace {

constexpr const char* part = "vectors";
constexpr std::size_t schema_version = 1;

// What pgvector's HNSW takes.
constexpr std::size_t indexed_dimensions_max = 2'000;
constexpr std::size_t indexed_half_dimensions_max = 4'000;

constexpr std::size_t versions_a_page = 2'000;

// A search among the chunks of so few versions looks at all of them: some 40,000 vectors, a
// fraction of a second, where the index would pass over nearly everything that it finds.
constexpr std::size_t exact_versions_max = 2'000;

std::string quoted(const std::string& text, char quote) {
  std::string result(1, quote);
  for (const char c : text) result += c == quote ? std::string(2, c) : std::string(1, c);
  return result + quote;
}

// The schema of the extension, quoted. Empty: it is not installed.
std::string find_extension(PostgresPool& pool) {
  const auto rows = pool.run(
      "SELECT nspname, string_to_array(extversion, '.')::integer[] >= '{0,8}' "
      "FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
      "WHERE extname = 'vector'");
  if (!rows) throw FatalError(rows.error().message);
  if (rows->size() == 0) return "";
  if (!rows->boolean(0, 1))
    throw FatalError(
        pool.name() +
        ": its pgvector is older than 0.8; ALTER EXTENSION vector UPDATE, as superuser");
  return quoted(std::string(rows->text(0, 0)), '"');
}

// In `public`: by default it would go to a schema of the user's name, and one named penstock would
// get it among the tables. Two that make it at once: the second is told that a row is there
// already.
std::string extension_made(PostgresPool& pool) {
  const auto made = pool.run("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public");
  const std::string schema = find_extension(pool);
  if (schema.empty())
    throw FatalError((made ? pool.name() : made.error().message) +
                     "; install pgvector, and run CREATE EXTENSION vector in that database as "
                     "superuser");
  return schema;
}

std::array<std::string, schema_version> migrations(const std::string& extension,
                                                   const std::string& model,
                                                   std::size_t dimensions) {
  return {// 1: the first. Vectors do not compress, so Postgres is not to try.
          R"sql(
      CREATE TABLE penstock.model (name text NOT NULL, dimensions integer NOT NULL);
      INSERT INTO penstock.model VALUES ()sql" +
          quoted(model, '\'') + ", " + std::to_string(dimensions) + R"sql();
      CREATE TABLE penstock.versions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text COLLATE "C" NOT NULL,
        version bytea NOT NULL,
        UNIQUE (key, version)
      );
      CREATE TABLE penstock.chunks (
        version bigint NOT NULL,
        ordinal integer NOT NULL,
        page_first integer NOT NULL,
        page_last integer NOT NULL,
        char_begin bigint NOT NULL,
        char_end bigint NOT NULL,
        tokens integer NOT NULL,
        text text NOT NULL,
        embedding )sql" +
          extension + ".vector(" + std::to_string(dimensions) + R"sql() NOT NULL,
        PRIMARY KEY (version, ordinal)
      );
      ALTER TABLE penstock.chunks ALTER COLUMN embedding SET STORAGE EXTERNAL;
      -- The server's default compression would take a sixth of what a chunk costs it. Not every
      -- server has the better one.
      DO $$ BEGIN
        EXECUTE 'ALTER TABLE penstock.chunks ALTER COLUMN text SET COMPRESSION lz4';
      EXCEPTION WHEN feature_not_supported OR syntax_error THEN END $$;
    )sql"};
}

// $1::text[] and $2::bytea[].
template <typename Names, typename VersionOf>
PostgresParameters names_as_arrays(const Names& names, const VersionOf& version_of) {
  PostgresArray keys;
  PostgresArray versions;
  for (const auto& name : names) {
    keys.add_text(name.key);
    versions.add_bytes(version_of(name).view());
  }
  return {{keys.literal(), versions.literal()}, {}};
}

template <typename Names>
Result<void> require_keys(const Names& names) {
  for (const auto& name : names)
    if (auto sound = require_key(name.key); !sound) return sound;
  return {};
}

std::string vector_text(std::span<const float> vector) {
  std::string text = "[";
  std::array<char, 32> digits{};
  for (const float value : vector) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text.append(digits.data(), end);
    text += ',';
  }
  text.back() = ']';
  return text;
}

constexpr const char* chunk_columns =
    "ordinal, page_first, page_last, char_begin, char_end, tokens, text";

// chunk_columns, the first of them in `column`.
Chunk read_chunk(const PostgresRows& rows, std::size_t row, std::size_t column) {
  return {static_cast<std::uint32_t>(rows.integer(row, column)),
          static_cast<std::uint32_t>(rows.integer(row, column + 1)),
          static_cast<std::uint32_t>(rows.integer(row, column + 2)),
          rows.natural(row, column + 3),
          rows.natural(row, column + 4),
          static_cast<std::uint32_t>(rows.integer(row, column + 5)),
          {}};
}

Hit read_hit(const PostgresRows& rows, std::size_t row) {
  Hit hit;
  hit.key = rows.text(row, 0);
  hit.version = version_from_hex(rows.text(row, 1));
  hit.chunk = read_chunk(rows, row, 2);
  hit.text = rows.text(row, 8);
  const std::string_view distance = rows.text(row, 9);
  double value = 0;
  std::from_chars(distance.data(), distance.data() + distance.size(), value);
  hit.score = static_cast<float>(-value);
  return hit;
}

}  // namespace

// The versions that a search is limited to.
struct PgvectorVectors::Filter {
  bool is_set = false;
  std::size_t size = 0;
  std::string ids = "{}";  // a bigint[]
};

PgvectorVectors::PgvectorVectors(PostgresPool& pool, const std::string& model,
                                 std::size_t dimensions)
    : pool_(pool), extension_(find_extension(pool)) {
  if (extension_.empty()) extension_ = extension_made(pool);
  bring_to_current_schema(pool, part, migrations(extension_, model, dimensions));
  read_model();
  require_model(model, dimensions);
}

PgvectorVectors::PgvectorVectors(PostgresPool& pool)
    : pool_(pool), extension_(find_extension(pool)) {
  require_current_schema(pool, part, schema_version);
  read_model();
}

void PgvectorVectors::read_model() {
  const auto rows = pool_.run("SELECT name, dimensions FROM penstock.model");
  if (!rows) throw FatalError(rows.error().message);
  model_ = rows->text(0, 0);
  dimensions_ = rows->natural(0, 1);
}

void PgvectorVectors::require_model(const std::string& model, std::size_t dimensions) {
  const std::string stored = description_of_model(model_, dimensions_);
  const std::string wanted = description_of_model(model, dimensions);
  if (stored != wanted) throw FatalError(pool_.name() + ": " + refusal_of_model(stored, wanted));
}

Result<void> PgvectorVectors::upsert(std::span<const VersionChunks> versions) {
  if (versions.empty()) return {};
  if (auto sound = require_keys(versions); !sound) return sound;
  const PostgresParameters names = names_as_arrays(
      versions, [](const VersionChunks& each) -> const VersionId& { return each.version; });
  return pool_.transact([&](PostgresConnection& connection) -> Result<void> {
    // Locks also those that are there already: the update changes nothing else.
    const auto rows = connection.run(
        "WITH written AS (INSERT INTO penstock.versions (key, version) "
        "  SELECT key, version FROM unnest($1::text[], $2::bytea[]) AS named(key, version) "
        "  GROUP BY key, version ORDER BY key COLLATE \"C\", version "
        "  ON CONFLICT (key, version) DO UPDATE SET version = excluded.version "
        "  RETURNING id, key, version) "
        "SELECT written.id FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY "
        "  AS named(key, version, place) JOIN written "
        "  ON written.key = named.key AND written.version = named.version ORDER BY place",
        names);
    if (!rows) return pass_on(rows.error());
    assert(rows->size() == versions.size());
    PostgresArray ids;
    std::unordered_map<std::int64_t, std::size_t> last_of;  // of a version that is there twice
    for (std::size_t i = 0; i < versions.size(); ++i) {
      ids.add(rows->integer(i, 0));
      last_of[rows->integer(i, 0)] = i;
    }
    // A statement of its own, since it must see what those who held the locks before wrote.
    const auto cleared = connection.run(
        "DELETE FROM penstock.chunks WHERE version = ANY($1::bigint[])", {{ids.literal()}, {}});
    if (!cleared) return pass_on(cleared.error());

    std::size_t next = 0;
    return connection.copy_in(
        std::string("COPY penstock.chunks (") + vector_row_columns + ") FROM STDIN (FORMAT binary)",
        [&](std::string& out) {
          if (next == versions.size()) return false;
          const VersionChunks& version = versions[next];
          const std::int64_t id = rows->integer(next, 0);
          if (last_of[id] == next)
            for (std::size_t i = 0; i < version.chunks.size(); ++i)
              append_vector_row(id, version.chunks[i],
                                version.vectors.subspan(i * dimensions_, dimensions_), out);
          ++next;
          return true;
        });
  });
}

Result<std::vector<VersionCount>> PgvectorVectors::count(std::span<const VersionName> versions) {
  std::vector<VersionCount> counts;
  if (versions.empty()) return counts;
  if (auto sound = require_keys(versions); !sound) return pass_on(sound.error());
  // A chunk cannot be without its vector here: one count is both.
  const auto rows = pool_.run(
      "SELECT (SELECT count(*) FROM penstock.chunks WHERE chunks.version = versions.id) "
      "FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS named(key, version, place) "
      "LEFT JOIN penstock.versions "
      "  ON versions.key = named.key AND versions.version = named.version "
      "ORDER BY place",
      names_as_arrays(versions,
                      [](const VersionName& each) -> const VersionId& { return each.version; }));
  if (!rows) return pass_on(rows.error());
  for (std::size_t row = 0; row < rows->size(); ++row)
    counts.push_back({rows->natural(row, 0), rows->natural(row, 0)});
  return counts;
}

Result<void> PgvectorVectors::remove(std::span<const VersionName> versions) {
  if (versions.empty()) return {};
  if (auto sound = require_keys(versions); !sound) return sound;
  const PostgresParameters names = names_as_arrays(
      versions, [](const VersionName& each) -> const VersionId& { return each.version; });
  return pool_.transact([&](PostgresConnection& connection) -> Result<void> {
    const auto rows = connection.run(
        "SELECT versions.id FROM penstock.versions "
        "JOIN unnest($1::text[], $2::bytea[]) AS named(key, version) "
        "  ON versions.key = named.key AND versions.version = named.version "
        "ORDER BY versions.key, versions.version FOR UPDATE OF versions",
        names);
    if (!rows) return pass_on(rows.error());
    if (rows->size() == 0) return {};
    PostgresArray ids;
    for (std::size_t row = 0; row < rows->size(); ++row) ids.add(rows->integer(row, 0));
    // After the locks, and so with what was written under them before.
    const auto removed = connection.run(
        "WITH gone AS (DELETE FROM penstock.chunks WHERE version = ANY($1::bigint[])) "
        "DELETE FROM penstock.versions WHERE id = ANY($1::bigint[])",
        {{ids.literal()}, {}});
    if (!removed) return pass_on(removed.error());
    return {};
  });
}

bool PgvectorVectors::can_be_indexed() const {
  return dimensions_ <= indexed_half_dimensions_max;
}

// Negative inner product: vectors are of unit length, so this is the order of the cosine.
std::string PgvectorVectors::indexed_distance(const std::string& parameter) const {
  const std::string half =
      dimensions_ <= indexed_dimensions_max
          ? ""
          : "::" + extension_ + ".halfvec(" + std::to_string(dimensions_) + ")";
  return "embedding" + half + " OPERATOR(" + extension_ + ".<#>) " + parameter + "::" + extension_ +
         ".vector" + half;
}

Result<void> PgvectorVectors::build_index() {
  if (!can_be_indexed()) return {};
  const std::string column = dimensions_ <= indexed_dimensions_max
                                 ? "embedding " + extension_ + ".vector_ip_ops"
                                 : "(embedding::" + extension_ + ".halfvec(" +
                                       std::to_string(dimensions_) + ")) " + extension_ +
                                       ".halfvec_ip_ops";
  return pool_.transact([&](PostgresConnection& connection) -> Result<void> {
    // Not CONCURRENTLY, which is not possible inside a transaction, where alone settings can be
    // local. HNSW is built many times faster in memory: at least 256 MB of it, unless more is set.
    // Hosted services end statements after a minute or two, which this one may take.
    const auto ready = connection.run(
        "SELECT pg_advisory_xact_lock(x'48534E57'::bigint); "
        "SET LOCAL statement_timeout = 0; "
        "SELECT set_config('maintenance_work_mem', greatest(setting::bigint, 262144) || 'kB', "
        "true) "
        "FROM pg_settings WHERE name = 'maintenance_work_mem'");
    if (!ready) return pass_on(ready.error());
    const auto built = connection.run(
        "CREATE INDEX IF NOT EXISTS chunks_nearest ON penstock.chunks USING hnsw (" + column + ")");
    if (!built) return pass_on(built.error());
    return {};
  });
}

Result<PgvectorVectors::Filter> PgvectorVectors::filter_of(
    const std::function<bool(const std::string&)>& accept) {
  Filter filter;
  if (!accept) return filter;
  filter.is_set = true;
  PostgresArray ids;
  std::string last = "0";
  for (;;) {
    const auto rows = pool_.run(
        "SELECT id, key FROM penstock.versions WHERE id > $1::bigint ORDER BY id LIMIT $2::integer",
        {{last, std::to_string(versions_a_page)}, {}});
    if (!rows) return pass_on(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) {
      last = rows->text(row, 0);
      if (!accept(std::string(rows->text(row, 1)))) continue;
      ids.add(rows->integer(row, 0));
      ++filter.size;
    }
    if (rows->size() < versions_a_page) break;
  }
  filter.ids = ids.literal();
  return filter;
}

// $1 is the query, $2 how many, $3 the versions if it is filtered.
std::string PgvectorVectors::search_statement(bool by_index, bool is_filtered) const {
  const std::string columns = chunk_columns + std::string(", ");
  const std::string distances = "SELECT version, " + columns + "embedding OPERATOR(" + extension_ +
                                ".<#>) $1::" + extension_ + ".vector AS distance " +
                                "FROM penstock.chunks" +
                                (is_filtered ? " WHERE version = ANY($3::bigint[])" : "");
  // OFFSET 0 keeps the order apart from the distances, and so from any index.
  const std::string nearest =
      by_index ? distances + " ORDER BY " + indexed_distance("$1") + " LIMIT $2::integer"
               : distances + " OFFSET 0";
  return "SELECT key, encode(versions.version, 'hex'), " + columns + "distance FROM (" + nearest +
         ") AS nearest JOIN penstock.versions ON versions.id = nearest.version "
         "ORDER BY distance, key, ordinal LIMIT $2::integer";
}

Result<std::vector<Hit>> PgvectorVectors::search(
    std::span<const float> query, std::size_t hits_max,
    const std::function<bool(const std::string&)>& accept) {
  std::vector<Hit> hits;
  if (hits_max == 0) return hits;
  if (query.size() != dimensions_)
    return permanent_error(pool_.name() + ": holds vectors of " + std::to_string(dimensions_) +
                           " dimensions, the query has " + std::to_string(query.size()) +
                           "; use the --embedder that filled it");
  const Result<Filter> filter = filter_of(accept);
  if (!filter) return pass_on(filter.error());
  if (filter->is_set && filter->size == 0) return hits;
  PostgresParameters parameters{
      {vector_text(query), std::to_string(std::min<std::size_t>(hits_max, INT32_MAX))}, {}};
  if (filter->is_set) parameters.texts.push_back(filter->ids);

  const Result<void> done = pool_.transact([&](PostgresConnection& connection) -> Result<void> {
    hits.clear();
    const auto index = connection.run("SELECT to_regclass('penstock.chunks_nearest') IS NOT NULL");
    if (!index) return pass_on(index.error());
    const bool by_index = index->boolean(0, 0) && can_be_indexed() &&
                          !(filter->is_set && filter->size <= exact_versions_max);
    if (by_index) {
      // The index looks on until it has enough that pass the filter.
      const auto set = connection.run(
          "SET LOCAL hnsw.ef_search = " +
          std::to_string(std::clamp<std::size_t>(2 * hits_max, 100, 1'000)) +
          "; SET LOCAL hnsw.iterative_scan = strict_order; "
          "SET LOCAL hnsw.max_scan_tuples = 2000000; SET LOCAL hnsw.scan_mem_multiplier = 16");
      if (!set) return pass_on(set.error());
    }
    auto rows = connection.run(search_statement(by_index, filter->is_set), parameters);
    // Where many vectors are equal, parts of the index cannot be reached from others.
    if (rows && by_index && rows->size() < hits_max)
      rows = connection.run(search_statement(false, filter->is_set), parameters);
    if (!rows) return pass_on(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) hits.push_back(read_hit(*rows, row));
    return {};
  });
  if (!done) return pass_on(done.error());
  return hits;
}

Result<void> PgvectorVectors::for_each(const std::function<bool(const StoredVersion&)>& visit) {
  VersionName last;
  bool is_first = true;
  for (;;) {
    // In pages by key, without a cursor: see PostgresLedger::for_each.
    PostgresParameters parameters{{std::to_string(versions_a_page)}, {}};
    if (!is_first) {
      parameters.texts.push_back(last.key);
      parameters.bytes.push_back(last.version.view());
    }
    const auto rows = pool_.run(
        std::string("SELECT key, encode(version, 'hex'), (SELECT count(*) FROM penstock.chunks "
                    "WHERE chunks.version = versions.id) FROM penstock.versions ") +
            (is_first ? "" : "WHERE (key, version) > ($2, $3::bytea) ") +
            "ORDER BY key, version LIMIT $1::integer",
        parameters);
    if (!rows) return pass_on(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) {
      StoredVersion stored;
      stored.name = {std::string(rows->text(row, 0)), version_from_hex(rows->text(row, 1))};
      stored.count = {rows->natural(row, 2), rows->natural(row, 2)};
      if (!visit(stored)) return {};
      last = std::move(stored.name);
    }
    if (rows->size() < versions_a_page) return {};
    is_first = false;
  }
}

Result<std::vector<StoredChunk>> PgvectorVectors::chunks(const VersionName& version) {
  if (auto sound = require_key(version.key); !sound) return pass_on(sound.error());
  const auto rows =
      pool_.run(std::string("SELECT ") + chunk_columns +
                    " FROM penstock.chunks JOIN penstock.versions ON versions.id = chunks.version "
                    "WHERE versions.key = $1 AND versions.version = $2::bytea ORDER BY ordinal",
                {{version.key}, {version.version.view()}});
  if (!rows) return pass_on(rows.error());
  std::vector<StoredChunk> chunks;
  for (std::size_t row = 0; row < rows->size(); ++row)
    chunks.push_back({read_chunk(*rows, row, 0), std::string(rows->text(row, 6))});
  return chunks;
}

Result<VersionCount> PgvectorVectors::totals() {
  const auto rows = pool_.run("SELECT count(*) FROM penstock.chunks");
  if (!rows) return pass_on(rows.error());
  return VersionCount{rows->natural(0, 0), rows->natural(0, 0)};
}

}  // namespace penstock
