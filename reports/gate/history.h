// Gates of the past: JSON lines, one a gate. They warn of what each gate by itself lets through,
// and say how often the gate was wrong about the same build.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "reports/gate/gate_report.h"

namespace penstock {

// With its line's end.
std::string history_line(const GateReport& report);

// A line that is none, such as one that was broken off, is left out.
std::vector<PastGate> read_history(std::istream& lines);

// `gates`: the oldest first, the last of them the one to be shown.
GateHistory look_back(const std::vector<PastGate>& gates);

// One step in a series, by Pettitt's scan (1979): the split with the most different ranks, and how
// often the same values in random order have a split as different. 9,999 orders, always the same
// ones. Errs as often as `chance` says if gates do not depend on each other.
struct Step {
  std::size_t at = 0;  // the first value after it
  double chance = 1;
};
// Absent: fewer than six values.
std::optional<Step> clearest_step(const std::vector<double>& values);

// Of all metrics together, of a history in which nothing moved.
inline constexpr double step_errors = 0.01;

}  // namespace penstock
