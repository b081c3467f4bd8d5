// Fields of what another program wrote. Nothing is expected of it: what is missing, or of another
// type than it should be, is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/http/json.h"

namespace penstock {

std::string text_in(const Json& object, const char* name);      // empty: none
std::uint64_t number_in(const Json& object, const char* name);  // 0: none
// Any number.
std::optional<double> real_in(const Json& object, const char* name);

}  // namespace penstock
