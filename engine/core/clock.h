// The monotonic time line of everything that waits, expires or measures. Whatever decides by time
// is told the time by its caller, so that tests move it by hand.
#pragma once

#include <chrono>

namespace penstock {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace penstock
