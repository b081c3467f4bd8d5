// Targets: kept, missed, or too few documents to say.
#pragma once

#include <optional>
#include <vector>

#include "reports/capacity_report.h"
#include "reports/measured.h"

namespace penstock {

// The times of documents against a limit, whichever ended how.
//
// upload: all that were not dropped; refused and broken ones miss, whatever the limit.
// start, done: those that were accepted. One that was lost, or failed before, misses. One in flight
// at the end misses if it is older than the limit, and is open if not, as is one so close to the
// limit that the doubt of the clocks decides.
struct Times {
  std::vector<double> sorted;  // seconds; infinite: never, or not known
  std::uint64_t misses = 0;
  std::uint64_t open = 0;
  // By more than generator and host were late. Of what was refused, broken or failed none: much
  // that came at once, because it came late, may have been too much.
  std::uint64_t misses_anyway = 0;
};
Times times_against(const Target& target, const RunRecord& run,
                    const std::vector<const Arrival*>& arrivals);

// `phases` are those that targets are judged on.
TargetResult judge_target(const Target& target, const RunRecord& run,
                          const std::vector<MeasuredPhase>& phases,
                          const std::optional<Daily>& daily);

// Of a target, the doubt of the clocks may be this part. Above, there is no verdict.
inline constexpr double doubt_max = 0.1;

}  // namespace penstock
