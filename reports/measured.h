// What conclusions are drawn from: the phases that are not warm-up, each with its documents.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "loadgen/run_record.h"

namespace penstock {

inline double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

struct MeasuredPhase {
  const PhaseRecord* plan = nullptr;
  std::vector<const Arrival*> arrivals;  // by intended time
  Offset answered{0};  // the last of its uploads had its answer; at least plan->end
  Offset drained{0};   // the last of its documents had ended; at least plan->end
  double length_s() const { return in_seconds(plan->end - plan->begin); }
};

// Refers to the run. A phase without documents is left out.
std::vector<MeasuredPhase> measured_phases(const RunRecord& run);

// Cut where nothing is under way: each of several bursts, say. `end`: of what was under way with an
// arrival; absent, it was for its first moment only. By intended time.
using ArrivalGroups = std::vector<std::vector<const Arrival*>>;
ArrivalGroups groups_of(const std::vector<const Arrival*>& arrivals,
                        const std::function<std::optional<Offset>(const Arrival&)>& end);

std::vector<const Arrival*> arrivals_of(const std::vector<MeasuredPhase>& phases);

// The mean of what samples say, of those that are of the time from begin to end; of the one after,
// if it is too short to have any. Absent: no sample, or none that says it.
std::optional<double> mean_in(const std::vector<Sample>& samples, Offset begin, Offset end,
                              const std::function<std::optional<double>(const Sample&)>& what);

}  // namespace penstock
