// What a provider lets somebody use of one thing (requests, tokens, bytes): at most one period's
// limit at once, refilled continuously.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/core/clock.h"

namespace penstock {

// Times never go back.
class RefillBucket {
 public:
  explicit RefillBucket(std::uint64_t limit, Duration period = std::chrono::minutes(1))
      : period_(period), capacity_(static_cast<double>(limit)), level_(capacity_) {}

  bool has(std::uint64_t amount, TimePoint now) {
    refill(now);
    return static_cast<double>(amount) <= level_ + rounding;
  }
  // What has() said is there.
  void take(std::uint64_t amount) { level_ -= static_cast<double>(amount); }

  // Whole ones that are left.
  std::uint64_t left(TimePoint now) {
    refill(now);
    return static_cast<std::uint64_t>(std::max(0.0, std::floor(level_ + rounding)));
  }
  // Until so many are there, if none is taken. `amount` is not above the capacity.
  Duration time_until(std::uint64_t amount, TimePoint now) {
    refill(now);
    const double periods = (static_cast<double>(amount) - level_) / capacity_;
    return std::chrono::ceil<Duration>(period_ * std::max(0.0, periods));
  }

 private:
  // Sums of doubles up to 10^9 are wrong by less than this, and nobody waits for a millionth.
  static constexpr double rounding = 1e-6;

  void refill(TimePoint now) {
    if (filled_at_ < now) {
      const double passed = std::chrono::duration<double>(now - filled_at_) / period_;
      level_ = std::min(capacity_, level_ + passed * capacity_);
      filled_at_ = now;
    }
  }

  std::chrono::duration<double> period_;
  double capacity_;
  double level_;
  TimePoint filled_at_{};
};

}  // namespace penstock
