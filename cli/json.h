// JSON for machines: one object a line on standard output.
#pragma once

#include <nlohmann/json.hpp>

namespace penstock {

using Json = nlohmann::ordered_json;

// Any thread; a line is written whole. Invalid UTF-8 comes out as U+FFFD.
void print_json_line(const Json& object);

}  // namespace penstock
