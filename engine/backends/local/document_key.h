// The stable name of what lies under a path.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// The path, as valid UTF-8 without NUL: a byte that is not is written \xNN. Different paths have
// different keys: a backslash that would be read as the beginning of such an escape is written
// \x5C.
std::string key_of(std::string_view path);

}  // namespace penstock
