#include "loadgen/clock_bridge.h"

#include <algorithm>
#include <cstdlib>

namespace penstock {

ClockBridge::ClockBridge(TimePoint begin, const ClockSight& first, const ClockSight& last)
    : at_first_(first.here - begin), first_(first.there) {
  drift_ = (last.here - first.here) - (last.there - first.there);
  doubt_ = std::max(first.doubt, last.doubt) +
           std::chrono::nanoseconds(std::abs(drift_.count()) / 2) + half_a_millisecond;
}

Offset ClockBridge::offset_of(WallTime time) const {
  return at_first_ + (time + half_a_millisecond - first_) + drift_ / 2;
}

ClockSight look_at_own_calendar() {
  const TimePoint before = std::chrono::steady_clock::now();
  const auto there = std::chrono::system_clock::now();
  const auto took = std::chrono::steady_clock::now() - before;
  return {before + took / 2, there, took / 2};
}

}  // namespace penstock
