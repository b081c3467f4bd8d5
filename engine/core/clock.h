// The monotonic time line of everything that waits, expires or measures. Whatever decides by time
// is told the time by its caller, so that tests move it by hand.
#pragma once

#include <chrono>

namespace penstock {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// The calendar's time, UTC, for what is kept and shown. Machines disagree about it, so nothing is
// decided by it that must be right.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline WallTime wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace penstock
