// Names that sort by the time at which they were made.
#pragma once

#include <string>

#include "engine/core/clock.h"

namespace penstock {

// 26 letters and digits (Crockford's base 32, as a ULID): 48 bits of milliseconds, 80 random ones.
std::string new_id(WallTime now);

}  // namespace penstock
