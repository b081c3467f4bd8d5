// The stable name of what lies under a path.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// The path, as valid UTF-8: a byte that is not is written \xNN.
std::string key_of(std::string_view path);

}  // namespace penstock
