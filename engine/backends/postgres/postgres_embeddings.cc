#include "engine/backends/postgres/postgres_embeddings.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "engine/backends/postgres/postgres_values.h"
#include "engine/backends/postgres/schema.h"

namespace penstock {
namespace {

// Vectors are stored as they are in memory.
static_assert(std::endian::native == std::endian::little);

const std::array<std::string, 1> migrations = {
    // 1: the first. Ids ascend in the order of writing. Vectors do not compress, so Postgres is not
    // to try; most are moved out of the row, which keeps the table itself small.
    R"sql(
      CREATE TABLE penstock.embeddings (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        digest bytea NOT NULL UNIQUE,
        vector bytea NOT NULL
      );
      ALTER TABLE penstock.embeddings ALTER COLUMN vector SET STORAGE EXTERNAL;
    )sql"};

// What a row takes besides its vector: headers, both indexes, its pieces' rows and their index.
constexpr std::uint64_t row_overhead_bytes = 256;

std::string joined(std::span<const EmbeddingId> ids) {
  std::string digests;
  for (const EmbeddingId& id : ids) digests += id.view();
  return digests;
}

}  // namespace

PostgresEmbeddings::PostgresEmbeddings(PostgresPool& pool, std::size_t dimensions,
                                       std::uint64_t bytes_max)
    : pool_(pool),
      dimensions_(dimensions),
      rows_max_(std::max<std::uint64_t>(
          bytes_max / (dimensions * sizeof(float) + row_overhead_bytes), 1)) {
  bring_to_current_schema(pool, "embeddings", migrations);
}

Result<std::vector<bool>> PostgresEmbeddings::find(std::span<const EmbeddingId> ids,
                                                   std::span<float> rows) {
  std::vector<bool> known(ids.size());
  if (ids.empty()) return known;
  const std::size_t vector_bytes = dimensions_ * sizeof(float);
  const std::string digests = joined(ids);
  const auto found = pool_.run(
      "SELECT place, encode(vector, 'hex') FROM generate_series(0, $1::integer - 1) AS place "
      "JOIN penstock.embeddings ON digest = substring($3::bytea FROM place * 16 + 1 FOR 16) "
      "WHERE octet_length(vector) = $2::integer",
      {{std::to_string(ids.size()), std::to_string(vector_bytes)}, {digests}});
  if (!found) return pass_on(found.error());
  for (std::size_t row = 0; row < found->size(); ++row) {
    const std::size_t place = found->natural(row, 0);
    bytes_from_hex(found->text(row, 1),
                   {reinterpret_cast<char*>(rows.data() + place * dimensions_), vector_bytes});
    known[place] = true;
  }
  return known;
}

Result<void> PostgresEmbeddings::put(std::span<const CachedEmbedding> embeddings) {
  if (embeddings.empty()) return {};
  const std::size_t vector_bytes = dimensions_ * sizeof(float);
  std::string digests;
  std::string vectors;
  vectors.reserve(embeddings.size() * vector_bytes);
  for (const CachedEmbedding& embedding : embeddings) {
    digests += embedding.id.view();
    vectors.append(reinterpret_cast<const char*>(embedding.vector.data()),
                   embedding.vector.size_bytes());
  }
  // Two values that are cut up there: arrays of bytea would travel as digits. What is known is left
  // out before it takes an id, so that the span of ids is nearly the number of rows; in the order
  // of digests, so that two writers of the same ones wait for each other in one direction. Rows
  // that another writer is just removing are passed over. At most four times what came in goes:
  // that suffices to shrink to a lower bound, and nobody waits long for it.
  const auto done = pool_.run(
      "WITH added AS (INSERT INTO penstock.embeddings (digest, vector) "
      "  SELECT digest, substring($5::bytea FROM place * $2::integer + 1 FOR $2::integer) "
      "  FROM (SELECT place, digest FROM generate_series(0, $1::integer - 1) AS place, "
      "      substring($4::bytea FROM place * 16 + 1 FOR 16) AS digest "
      "    WHERE NOT EXISTS (SELECT FROM penstock.embeddings AS known "
      "      WHERE known.digest = substring($4::bytea FROM place * 16 + 1 FOR 16)) "
      "    ORDER BY digest) AS unknown "
      "  ON CONFLICT DO NOTHING RETURNING id) "
      "DELETE FROM penstock.embeddings WHERE id IN (SELECT id FROM penstock.embeddings "
      "  WHERE id <= (SELECT max(id) FROM added) - $3::bigint "
      "  ORDER BY id LIMIT 4 * $1::integer FOR UPDATE SKIP LOCKED)",
      {{std::to_string(embeddings.size()), std::to_string(vector_bytes), std::to_string(rows_max_)},
       {digests, vectors}});
  if (!done) return pass_on(done.error());
  return {};
}

}  // namespace penstock
