// A run as series that a chart can show: at most a few hundred moments and a few thousand dots,
// however long it was.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "loadgen/run_record.h"
#include "reports/statistics.h"

namespace penstock::html {

struct Moment {
  double begin_s = 0;
  double end_s = 0;
  // Documents a second.
  double offered = 0;
  double accepted = 0;
  double done = 0;
  // The most at the same time: accepted and not ended; of these, not begun.
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;
};
std::vector<Moment> moments(const RunRecord& run);

// Means of CPU and the most of everything else, of as many samples as a moment has.
struct Use {
  double begin_s = 0;
  double end_s = 0;
  std::optional<double> system_cores;
  std::optional<double> system_memory;
  std::optional<double> system_descriptors;
  std::optional<double> generator_memory;
  double generator_cores = 0;
  double generator_descriptors = 0;
  double connections = 0;
};
std::vector<Use> uses(const std::vector<Sample>& samples);

// Points in places (0 to 1, both ways), thinned to one of each spot, with how many lie there: 0 for
// one, 1 for more, 2 for very many.
std::array<std::vector<Point>, 3> thinned(const std::vector<Point>& places);

}  // namespace penstock::html
