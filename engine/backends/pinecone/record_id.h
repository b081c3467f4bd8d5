// How the records of an index are named: DOCUMENT#VERSION#ORDINAL, the first two as hexadecimal
// digests, the last zero-padded. Ids are listed by prefix and in the order of their bytes, so a
// version is one prefix, and its chunks come in their order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/ids.h"
#include "engine/io/version_name.h"

namespace penstock {

// The record that says which model the index's vectors are of. No id of a chunk begins like it.
inline constexpr std::string_view model_record_id = "penstock#model";

// What the ids of a version's chunks begin with.
std::string version_prefix(const VersionName& name);

// The id of the chunk of this ordinal.
std::string record_id(std::string_view prefix, std::uint32_t ordinal);

struct RecordId {
  std::string_view prefix;  // of the id
  VersionId version;
  std::uint32_t ordinal = 0;
};

// Absent: not the id of a chunk.
std::optional<RecordId> parse_record_id(std::string_view id);

}  // namespace penstock
