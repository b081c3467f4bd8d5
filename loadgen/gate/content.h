// What two builds made of the same documents, side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/gate/exported.h"
#include "loadgen/gate/gate_record.h"

namespace penstock {

// Chunks that a search found, best first: "report.pdf, pages 3-4".
using Found = std::vector<std::string>;

// `baseline_found` and `candidate_found`: of the same queries.
GateContent compare_content(const Exported& baseline, const Exported& candidate,
                            const std::vector<Found>& baseline_found,
                            const std::vector<Found>& candidate_found);

}  // namespace penstock
