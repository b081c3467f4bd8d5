// What must hold for a verdict to mean something.
#pragma once

#include <vector>

#include "reports/capacity_report.h"
#include "reports/measured.h"

namespace penstock {

inline constexpr const char* drained_name = "drained";

Conservation conserve(const RunRecord& run);

// In the order in which a person should look at them. `results` are of the targets.
std::vector<Check> validity_checks(const RunRecord& run, const std::vector<MeasuredPhase>& phases,
                                   const std::vector<LoadStep>& steps,
                                   const Conservation& conservation,
                                   const std::vector<TargetResult>& results);

}  // namespace penstock
