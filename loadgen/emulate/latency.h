// How long an emulated service takes for an answer.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

#include "engine/core/clock.h"
#include "engine/core/error.h"

namespace penstock {

struct LatencyRange {
  Duration min{};
  Duration max{};  // not below min
};

// "50ms-800ms", or one value: "20ms", "1.5s", "0ms".
Result<LatencyRange> parse_latency(std::string_view words);

// The same draws for the same seed, on every machine. One thread.
class LatencyDraws {
 public:
  LatencyDraws(LatencyRange range, std::uint64_t seed) : range_(range), random_(seed) {}

  // Most answers are quick and some are not, as a service's are: MIN + (MAX - MIN) x u^4 for a
  // uniform u. Half are within 1/16 of the range, nine in ten within 2/3 of it.
  Duration next();

 private:
  LatencyRange range_;
  std::mt19937_64 random_;
};

}  // namespace penstock
