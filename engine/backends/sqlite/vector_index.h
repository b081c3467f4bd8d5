// The vectors of a store file in memory, for search.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/sqlite/database.h"
#include "engine/io/vector_store.h"

namespace penstock {

// A chunk's id is its version's id, then this many bits of ordinal.
inline constexpr int chunk_id_bits = 20;

// One thread at a time.
class VectorIndex {
 public:
  // Throws FatalError.
  explicit VectorIndex(const std::string& path);

  // Reads what it has not yet; what of the file changed besides does not matter.
  Result<std::vector<Hit>> search(std::span<const float> query, std::size_t hits_max,
                                  const std::function<bool(const std::string&)>& accept);

 private:
  struct Version {
    std::int64_t id;
    std::string key;
    VersionId version;
  };

  // Whether versions came or went since they were looked at last.
  Result<bool> has_changed();
  Result<void> catch_up(std::size_t dimensions);
  Result<void> drop_removed();
  Result<void> load_new(std::size_t dimensions);
  Result<Hit> hit_at(std::size_t row, float score);
  std::vector<std::uint8_t> accepted_rows(
      const std::function<bool(const std::string&)>& accept) const;
  const Version& version_of(std::int64_t chunk_id) const;

  Database database_;
  Statement data_version_;
  Statement chunk_;
  Statement changes_;
  std::int64_t looked_at_ = -1;    // the file, by data_version_
  std::int64_t last_id_ = 0;       // of a version, that was given
  std::int64_t removals_ = 0;      // of versions
  std::int64_t loaded_last_ = -1;  // what of both was caught up with
  std::int64_t loaded_removals_ = -1;
  std::size_t dimensions_ = 0;
  std::vector<Version> versions_;  // by id
  std::vector<std::int64_t> ids_;  // of chunks, ascending
  std::vector<float> vectors_;     // row-major, one row per id
};

}  // namespace penstock
