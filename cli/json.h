// JSON for machines: one object a line on standard output.
#pragma once

#include "engine/http/json.h"

namespace penstock {

// Any thread; a line is written whole.
void print_json_line(const Json& object);

}  // namespace penstock
