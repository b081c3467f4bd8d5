#include "engine/backends/sqlite/vector_index.h"

#include <algorithm>
#include <cstring>

#include "engine/backends/sqlite/nearest.h"

namespace penstock {
VectorIndex::VectorIndex(const std::string& path)
    : database_(path, OpenMode::read),
      data_version_(database_.prepare("PRAGMA data_version")),
      chunk_(database_.prepare("SELECT page_first, page_last, char_begin, char_end, tokens, text "
                               "FROM chunks WHERE id = ?1")),
      changes_(database_.prepare(
          "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = "
          "'versions_last'), 0), coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE "
          "name = 'versions_removed'), 0)")) {}

// Most writes to the file are the ledger's, the queue's and the catalog's.
Result<bool> VectorIndex::has_changed() {
  const Result<bool> row = data_version_.step();
  if (!row) return row;
  const std::int64_t now = data_version_.integer(0);
  data_version_.reset();
  if (now != looked_at_) {
    const Result<bool> changes = changes_.step();
    if (!changes) return changes;
    last_id_ = changes_.integer(0);
    removals_ = changes_.integer(1);
    changes_.reset();
    looked_at_ = now;
  }
  return last_id_ != loaded_last_ || removals_ != loaded_removals_;
}

Result<void> VectorIndex::catch_up(std::size_t dimensions) {
  if (dimensions != dimensions_) {
    versions_.clear();
    ids_.clear();
    vectors_.clear();
    dimensions_ = dimensions;
  }
  if (removals_ != loaded_removals_)
    if (auto dropped = drop_removed(); !dropped) return dropped;
  if (auto loaded = load_new(dimensions); !loaded) {
    dimensions_ = 0;  // part of it may be there
    return loaded;
  }
  loaded_last_ = last_id_;
  loaded_removals_ = removals_;
  return {};
}

// Moves what is left together.
Result<void> VectorIndex::drop_removed() {
  std::vector<Version> left;
  Statement present = database_.prepare("SELECT id FROM versions ORDER BY id");
  auto known = versions_.begin();
  while (known != versions_.end()) {
    const Result<bool> row = present.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    while (known != versions_.end() && known->id < present.integer(0)) ++known;
    if (known != versions_.end() && known->id == present.integer(0))
      left.push_back(std::move(*known++));
  }
  versions_ = std::move(left);

  std::size_t kept = 0;
  auto version = versions_.begin();
  for (std::size_t row = 0; row < ids_.size(); ++row) {
    while (version != versions_.end() && version->id < ids_[row] >> chunk_id_bits) ++version;
    if (version == versions_.end()) break;
    if (version->id != ids_[row] >> chunk_id_bits) continue;
    if (kept != row) {
      ids_[kept] = ids_[row];
      std::copy_n(vectors_.begin() + static_cast<std::ptrdiff_t>(row * dimensions_), dimensions_,
                  vectors_.begin() + static_cast<std::ptrdiff_t>(kept * dimensions_));
    }
    ++kept;
  }
  ids_.resize(kept);
  vectors_.resize(kept * dimensions_);
  return {};
}

Result<void> VectorIndex::load_new(std::size_t dimensions) {
  const std::int64_t last_known = versions_.empty() ? 0 : versions_.back().id;
  Statement versions =
      database_.prepare("SELECT id, key, version FROM versions WHERE id > ?1 ORDER BY id");
  versions.bind(1, last_known);
  for (;;) {
    const Result<bool> row = versions.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    Version& version = versions_.emplace_back(Version{versions.integer(0), {}, {}});
    version.key = versions.bytes(1);
    const std::string_view bytes = versions.bytes(2);
    std::memcpy(version.version.bytes.data(), bytes.data(),
                std::min(bytes.size(), version.version.bytes.size()));
  }

  const std::int64_t first_new = (last_known + 1) << chunk_id_bits;
  if (ids_.empty()) {
    Statement count = database_.prepare("SELECT count(*) FROM vectors");
    if (const Result<bool> row = count.step(); !row) return pass_on(row.error());
    ids_.reserve(count.natural(0));
    vectors_.reserve(count.natural(0) * dimensions);
  }

  Statement vectors =
      database_.prepare("SELECT id, vector FROM vectors WHERE id >= ?1 ORDER BY id");
  vectors.bind(1, first_new);
  for (;;) {
    const Result<bool> row = vectors.step();
    if (!row) return pass_on(row.error());
    if (!*row) break;
    const std::string_view bytes = vectors.bytes(1);
    if (bytes.size() != dimensions * sizeof(float))
      return permanent_error(database_.path() + ": holds vectors of " +
                             std::to_string(bytes.size() / sizeof(float)) +
                             " dimensions, the query has " + std::to_string(dimensions) +
                             "; use the --embedder that filled it");
    ids_.push_back(vectors.integer(0));
    const std::size_t begin = vectors_.size();
    vectors_.resize(begin + dimensions);
    std::memcpy(vectors_.data() + begin, bytes.data(), bytes.size());
  }
  return {};
}

const VectorIndex::Version& VectorIndex::version_of(std::int64_t chunk_id) const {
  return *std::lower_bound(versions_.begin(), versions_.end(), chunk_id >> chunk_id_bits,
                           [](const Version& version, std::int64_t id) { return version.id < id; });
}

std::vector<std::uint8_t> VectorIndex::accepted_rows(
    const std::function<bool(const std::string&)>& accept) const {
  std::vector<std::uint8_t> accepted(ids_.size());
  const Version* version = nullptr;
  bool is_accepted = false;
  for (std::size_t row = 0; row < ids_.size(); ++row) {
    const Version& own = version_of(ids_[row]);
    if (&own != version) {
      version = &own;
      is_accepted = accept(own.key);
    }
    accepted[row] = is_accepted ? 1 : 0;
  }
  return accepted;
}

Result<Hit> VectorIndex::hit_at(std::size_t row, float score) {
  const std::int64_t id = ids_[row];
  const Result<bool> found = chunk_.bind(1, id).step();
  if (!found) return pass_on(found.error());
  const Version& version = version_of(id);
  Hit hit{version.key, version.version, {}, {}, score};
  if (*found) {
    hit.text = chunk_.bytes(5);
    hit.chunk = {static_cast<std::uint32_t>(id & ((std::int64_t{1} << chunk_id_bits) - 1)),
                 static_cast<std::uint32_t>(chunk_.integer(0)),
                 static_cast<std::uint32_t>(chunk_.integer(1)),
                 chunk_.natural(2),
                 chunk_.natural(3),
                 static_cast<std::uint32_t>(chunk_.integer(4)),
                 {}};
  }
  chunk_.reset();
  return hit;
}

Result<std::vector<Hit>> VectorIndex::search(
    std::span<const float> query, std::size_t hits_max,
    const std::function<bool(const std::string&)>& accept) {
  // One snapshot for vectors and chunks, whatever is written meanwhile.
  if (auto begun = database_.execute("BEGIN"); !begun) return pass_on(begun.error());
  auto found = [&]() -> Result<std::vector<Hit>> {
    const Result<bool> changed = has_changed();
    if (!changed) return pass_on(changed.error());
    if (*changed || query.size() != dimensions_) {
      if (auto caught_up = catch_up(query.size()); !caught_up) return pass_on(caught_up.error());
    }
    const std::vector<std::uint8_t> accepted =
        accept ? accepted_rows(accept) : std::vector<std::uint8_t>();
    std::vector<Hit> hits;
    for (const Neighbour& neighbour : nearest(vectors_, query, hits_max, accepted)) {
      Result<Hit> hit = hit_at(neighbour.row, neighbour.score);
      if (!hit) return pass_on(hit.error());
      hits.push_back(std::move(*hit));
    }
    // Equal scores in an order that does not depend on which document was stored first.
    std::stable_sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.key != b.key ? a.key < b.key : a.chunk.ordinal < b.chunk.ordinal;
    });
    return hits;
  }();
  if (auto ended = database_.execute("COMMIT"); !ended) return pass_on(ended.error());
  return found;
}

}  // namespace penstock
