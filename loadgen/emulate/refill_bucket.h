// What a provider lets a key use of one thing (requests, or tokens): at most one minute's limit at
// once, refilled continuously.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/core/clock.h"

namespace penstock {

// Times never go back.
class RefillBucket {
 public:
  explicit RefillBucket(std::uint64_t per_minute)
      : capacity_(static_cast<double>(per_minute)), level_(capacity_) {}

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
    const double minutes = (static_cast<double>(amount) - level_) / capacity_;
    return std::chrono::ceil<Duration>(
        std::chrono::duration<double, std::ratio<60>>(std::max(0.0, minutes)));
  }

 private:
  // Sums of doubles up to 10^9 are wrong by less than this, and nobody waits for a millionth.
  static constexpr double rounding = 1e-6;

  void refill(TimePoint now) {
    if (filled_at_ < now) {
      const std::chrono::duration<double, std::ratio<60>> passed = now - filled_at_;
      level_ = std::min(capacity_, level_ + passed.count() * capacity_);
      filled_at_ = now;
    }
  }

  double capacity_;
  double level_;
  TimePoint filled_at_{};
};

}  // namespace penstock
