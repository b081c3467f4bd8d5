// The strict account: by how much any 60 seconds exceeded a limit. A bucket that starts full lets
// up to twice the limit through in its first minute; this forgives nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "engine/core/clock.h"

namespace penstock {

// Exact: windows are half open, so what comes a minute after something is in no window with it. A
// sum is largest where a window ends with an arrival, so only those are looked at. Remembers one
// entry an arrival of the last minute: the server's speed bounds it.
class SlidingMinute {
 public:
  explicit SlidingMinute(std::uint64_t limit) : limit_(limit) {}

  // `now` never goes back.
  void add(std::uint64_t amount, TimePoint now) {
    while (!arrivals_.empty() && arrivals_.front().at + std::chrono::minutes(1) <= now) {
      sum_ -= arrivals_.front().amount;
      arrivals_.pop_front();
    }
    arrivals_.push_back({now, amount});
    sum_ += amount;
    if (sum_ > limit_ && sum_ - limit_ > overshoot_max_) overshoot_max_ = sum_ - limit_;
  }

  // The most by which a window exceeded the limit since the last reset.
  std::uint64_t overshoot_max() const { return overshoot_max_; }
  // The last minute still counts for the windows to come.
  void reset_overshoot() { overshoot_max_ = 0; }

 private:
  struct Arrival {
    TimePoint at;
    std::uint64_t amount;
  };

  std::uint64_t limit_;
  std::deque<Arrival> arrivals_;  // of the last minute
  std::uint64_t sum_ = 0;         // of those
  std::uint64_t overshoot_max_ = 0;
};

}  // namespace penstock
