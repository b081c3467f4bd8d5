#include "engine/backends/sqlite/sqlite_embeddings.h"

#include <algorithm>
#include <cstring>

namespace penstock {
namespace {

// What a row takes besides its vector: keys, the index over digests, and space that pages leave
// free.
constexpr std::uint64_t row_overhead_bytes = 128;

}  // namespace

SqliteEmbeddings::SqliteEmbeddings(const std::string& path, OpenMode mode, std::size_t dimensions,
                                   std::uint64_t bytes_max)
    : dimensions_(dimensions),
      rows_max_(static_cast<std::int64_t>(std::max<std::uint64_t>(
          bytes_max / (dimensions * sizeof(float) + row_overhead_bytes), 1))),
      writer_(path, mode),
      put_(writer_.prepare("INSERT OR IGNORE INTO embeddings (digest, vector) VALUES (?1, ?2)")),
      bounds_(writer_.prepare("SELECT (SELECT min(id) FROM embeddings), max(id) FROM embeddings")),
      remove_through_(writer_.prepare("DELETE FROM embeddings WHERE id <= ?1")),
      reader_(path, OpenMode::read),
      find_(reader_.prepare("SELECT vector FROM embeddings WHERE digest = ?1")) {}

Result<std::vector<bool>> SqliteEmbeddings::find(std::span<const EmbeddingId> ids,
                                                 std::span<float> rows) {
  std::vector<bool> known(ids.size());
  const std::lock_guard lock(find_mutex_);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    find_.bind_blob(1, ids[i].view());
    const Result<bool> row = find_.step();
    if (!row) return pass_on(row.error());
    if (*row) {
      const std::string_view vector = find_.bytes(0);
      known[i] = vector.size() == dimensions_ * sizeof(float);
      if (known[i]) std::memcpy(rows.data() + i * dimensions_, vector.data(), vector.size());
    }
    find_.reset();
  }
  return known;
}

Result<void> SqliteEmbeddings::put(std::span<const CachedEmbedding> embeddings) {
  if (embeddings.empty()) return {};
  return in_transaction(writer_, [&]() -> Result<void> {
    for (const CachedEmbedding& embedding : embeddings) {
      put_.bind_blob(1, embedding.id.view())
          .bind_blob(2, {reinterpret_cast<const char*>(embedding.vector.data()),
                         embedding.vector.size_bytes()});
      if (auto done = put_.run(); !done) return done;
    }
    return make_room();
  });
}

Result<void> SqliteEmbeddings::make_room() {
  const Result<bool> row = bounds_.step();
  if (!row) return pass_on(row.error());
  const std::int64_t oldest = bounds_.integer(0);
  const std::int64_t newest = bounds_.integer(1);
  bounds_.reset();
  if (newest - oldest + 1 <= rows_max_) return {};
  return remove_through_.bind(1, newest - rows_max_).run();
}

}  // namespace penstock
