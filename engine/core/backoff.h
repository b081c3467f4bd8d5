// Waits that double from one failure to the next, with jitter, so that those who failed together do
// not come back together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "engine/core/clock.h"

namespace penstock {

class Backoff {
 public:
  // Waits are spread over `jitter` (0 to 1) of their length: with 1 over all of it, from 0.
  Backoff(Duration first, Duration longest, double jitter, std::uint64_t seed)
      : first_(first), longest_(longest), jitter_(jitter), random_(seed), next_(first) {}

  Duration next() {
    const Duration full = std::min(next_, longest_);
    next_ = std::min(full * 2, longest_);
    // 53 random bits are a fraction in [0, 1), the same on every machine.
    const double fraction = static_cast<double>(random_() >> 11) * 0x1.0p-53;
    return full - Duration(static_cast<Duration::rep>(static_cast<double>(full.count()) * jitter_ *
                                                      fraction));
  }
  void reset() { next_ = first_; }

 private:
  const Duration first_;
  const Duration longest_;
  const double jitter_;
  std::mt19937_64 random_;
  Duration next_;
};

}  // namespace penstock
