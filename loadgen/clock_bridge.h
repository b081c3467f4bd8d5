// From another machine's calendar to a run's clock.
#pragma once

#include <chrono>
#include <optional>

#include "engine/core/clock.h"
#include "loadgen/run_record.h"

namespace penstock {

// A calendar beside this process's clock, at one moment.
struct ClockSight {
  TimePoint here{};
  std::chrono::sys_time<std::chrono::nanoseconds> there{};
  std::chrono::nanoseconds doubt{0};  // of either way
};

// Of what a calendar tells in milliseconds, rounded down.
inline constexpr std::chrono::nanoseconds half_a_millisecond = std::chrono::microseconds(500);

// Between two sights a clock that drifts is as far off as halfway.
class ClockBridge {
 public:
  // `begin`: of the run.
  ClockBridge(TimePoint begin, const ClockSight& first, const ClockSight& last);

  Offset offset_of(WallTime time) const;
  std::chrono::nanoseconds doubt() const { return doubt_; }

 private:
  Offset at_first_;
  std::chrono::sys_time<std::chrono::nanoseconds> first_;
  std::chrono::nanoseconds drift_{0};
  std::chrono::nanoseconds doubt_{0};
};

// This machine's own.
ClockSight look_at_own_calendar();

}  // namespace penstock
