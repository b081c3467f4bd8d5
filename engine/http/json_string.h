// Text as a string of JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

// With its quotes. `text` is valid UTF-8.
void append_json_string(std::string& json, std::string_view text);

// How much of `text` (valid UTF-8) takes at most `json_bytes_max` between the quotes: all of it, or
// whole characters from its start.
std::size_t json_string_prefix(std::string_view text, std::size_t json_bytes_max);

}  // namespace penstock
