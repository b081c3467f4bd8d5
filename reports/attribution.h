// Where the time of a document goes, which resource is used up, and what would be next.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "reports/capacity_report.h"
#include "reports/measured.h"

namespace penstock {

inline constexpr std::array<const char*, 7> stage_names = {
    "issue delay", "upload", "queue", "extract", "embed", "store", "finish"};

// Seconds of a document with an outcome in each stage. What was not seen takes no time, and what
// two clocks saw in the wrong order neither, so that the sum is the time from intended to done.
using StageTimes = std::array<double, stage_names.size()>;
StageTimes stages_of(const Arrival& arrival);

// Of the documents that were done.
std::vector<StageShare> stage_shares(const std::vector<MeasuredPhase>& phases);

// Of the phase in which most was done a second: the load that says most of what binds. What binds
// comes first, then the most used; those without a roofline come last.
std::vector<Resource> resources_of(const RunRecord& run, const std::vector<MeasuredPhase>& phases);

// One sentence.
std::string bound_by(const RunRecord& run, const std::vector<MeasuredPhase>& phases,
                     const std::vector<Resource>& resources);

}  // namespace penstock
