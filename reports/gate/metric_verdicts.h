// What the pairs, or the counts, say of each metric.
#pragma once

#include <vector>

#include "reports/gate/gate_report.h"

namespace penstock {

// As in the record; without sentences. Before a control's word is taken: nothing is unproven.
std::vector<MetricResult> judge_metrics(const GateRecord& record);

// To the worse, as a part of the baseline: 0.05 is 5% slower, or 5% more of what should be less.
double worse_by(const GateMetric& metric, double change);

}  // namespace penstock
