// Runs of two builds, turn and turn about.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "loadgen/gate/gate_record.h"

namespace penstock {

struct PairPlan {
  std::uint64_t seed = 1;
  // A run of the baseline, or of the candidate. Absent: it was interrupted.
  std::function<std::optional<Values>(bool of_candidate)> run;
  // Asked after each pair: whether more of them could change nothing.
  std::function<bool(const GateRecord&)> decided;
  std::function<void()> show;  // called before each pair
};

// Adds pairs to the record until it is decided, has pairs_max, or a run was interrupted. Which
// build goes first is drawn for each pair. Metrics that a run does not give are dropped at once, as
// drop_missing() does: nothing waits for them.
void run_pairs(const PairPlan& plan, GateRecord& record);

// Leaves out of the record's metrics what not every run of both gave, and says so in what is
// missing.
void drop_missing(GateRecord& record);

}  // namespace penstock
