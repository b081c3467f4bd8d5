// How much load is kept up: steps of load, the knee between those that are and those that are not,
// documents a day, and time against size.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/capacity_report.h"
#include "reports/measured.h"
#include "reports/statistics.h"

namespace penstock {

// Of phases with one rate, by rate.
std::vector<LoadStep> load_steps(const RunRecord& run, const std::vector<MeasuredPhase>& phases);

// Whether steps are a sweep, which looks for what is too much: three rates or more.
bool is_sweep(const std::vector<LoadStep>& steps);

// The highest rate that was kept up, as all below it were. Absent: not even the lowest.
std::optional<double> knee_of(const std::vector<LoadStep>& steps);

// Absent: nothing was done. `target`: documents a day; 0: none.
std::optional<Daily> daily_capacity(const RunRecord& run, const std::vector<MeasuredPhase>& phases,
                                    const std::vector<LoadStep>& steps, double target);
// "10,000 to 12,000", "at least 10,000", or "10,000" where both ends are the same.
std::string range_of(const Daily& daily);

// MB and seconds from intended to done, of documents that waited for nobody.
std::vector<Point> sizes_and_times(const std::vector<MeasuredPhase>& phases);

// Through them. Absent: too few, or all of one size.
std::optional<SizeFit> size_fit(const std::vector<MeasuredPhase>& phases);

}  // namespace penstock
