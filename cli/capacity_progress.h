// How a capacity run gets on: a line that rewrites itself on a terminal, now and then one in a
// pipe. On standard error.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/core/clock.h"
#include "loadgen/capacity_run.h"

namespace penstock {

// One thread at a time.
class CapacityProgress {
 public:
  CapacityProgress();

  void show(const RunProgress& progress);
  void clear();

 private:
  const bool terminal_;
  std::optional<TimePoint> shown_at_;  // last
  std::string phase_;                  // then
};

}  // namespace penstock
