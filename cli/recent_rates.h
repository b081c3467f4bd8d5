// How fast a worker's sums grew lately.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "engine/core/clock.h"
#include "engine/io/worker_report.h"

namespace penstock {

class RecentRates {
 public:
  static constexpr std::chrono::seconds window{60};

  // Sums are zero at the start.
  explicit RecentRates(TimePoint started) : samples_{{started, 0, 0, 0, 0}} {}

  // Since the sums were those of a window ago, or since the start. Times ascend.
  WorkerRates add(TimePoint now, const WorkerReport& sums);

 private:
  struct Sample {
    TimePoint at;
    std::uint64_t documents = 0;
    std::uint64_t failed = 0;
    std::uint64_t pages = 0;
    std::uint64_t tokens = 0;
  };

  std::deque<Sample> samples_;  // the first is the youngest that is as old as the window
};

}  // namespace penstock
