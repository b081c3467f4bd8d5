// Whether a build is slower, or worse, than another. Errors that are allowed:
//
// - of 100 gates of the same build twice, at most one says that anything moved: at most 0.75 in 100
//   a regression, and 0.25 in 100 a control. Divided among the metrics (Bonferroni) and among the
//   looks (Lan and DeMets, 1983: each look spends as much as its share of the pairs). Bounds, not
//   estimates: what is measured is less, by the floors, and because metrics move together.
// - of a metric that is worse by what must not slip through (5/3 of its floor), at most one look in
//   100 says "no change".
#pragma once

#include <cstdint>
#include <vector>

#include "reports/gate/gate_report.h"

namespace penstock {

// Fewer pairs than these say nothing.
inline constexpr std::uint32_t pairs_min = 10;

// After how many pairs there is a look, the last of them pairs_max: each about 1.4 times the one
// before, as every look costs some of what may be spent. Empty: less than pairs_min.
std::vector<std::uint32_t> looks(std::uint32_t pairs_max);

// Of the baseline: worse by so much must not slip through. Above its floor, because no number of
// pairs tells a change of just the floor from a little more.
inline double harm(const GateMetric& metric) {
  return metric.floor * 5 / 3;
}

// What is said of the pairs at the last look, of counts, and of content.
GateReport decide(GateRecord record);

// Whether further pairs change nothing: asked after each.
bool is_decided(const GateRecord& record);

}  // namespace penstock
