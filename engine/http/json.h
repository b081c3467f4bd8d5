// JSON as a value. For what is small and not on the path of every chunk.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace penstock {

using Json = nlohmann::ordered_json;

// On one line. Invalid UTF-8 comes out as U+FFFD.
inline std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock
