// The stable name of what lies under a path.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

// What every ledger takes: an index of Postgres holds 2,704 bytes.
inline constexpr std::size_t key_bytes_max = 2'000;

// The path, as valid UTF-8 without NUL: a byte that is not is written \xNN. Different paths have
// different keys: a backslash that would be read as the beginning of such an escape is written
// \x5C, and a key that would be too long ends with a digest of it.
std::string key_of(std::string_view path);

}  // namespace penstock
