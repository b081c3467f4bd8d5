// The bodies of upsert requests. Floats dominate them, and the service's limit on bytes binds long
// before the one on records: about 90 records of 1,536 dimensions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/io/vector_store.h"

namespace penstock {

// The service takes 2 MB, whichever of the two it means by that, and 1,000 records.
inline constexpr std::size_t upsert_bytes_max = 2'000'000;
inline constexpr std::size_t upsert_records_max = 1'000;
// Of one record, as JSON. Whatever the service counts, it is not more.
inline constexpr std::size_t metadata_bytes_max = 40'960;

// Cuts versions into requests as they are asked for, so that no more of them are in memory than are
// under way. A record's metadata: key, version, page_first, page_last, char_begin, char_end,
// tokens, text; and text_cut, true, where the text did not fit and ends early, at a character.
class UpsertBodies {
 public:
  // `versions` and what they point to outlive this. Keys are valid UTF-8.
  UpsertBodies(std::span<const VersionChunks> versions, std::string_view space);

  struct Body {
    std::string json;
    std::size_t records = 0;
  };
  // Absent: there are no more.
  std::optional<Body> next();

 private:
  // Into record_. False: there are no more.
  bool write_record();

  const std::span<const VersionChunks> versions_;
  std::string tail_;
  std::size_t version_ = 0;  // of the record that is written next
  std::size_t chunk_ = 0;    // likewise
  std::string prefix_;       // of the ids of version_
  std::string record_;       // written, and in no body yet; or empty
};

// [0.5,-0.25,...]: the shortest decimals that are these floats again, which are finite.
void append_vector(std::string& json, std::span<const float> vector);

}  // namespace penstock
