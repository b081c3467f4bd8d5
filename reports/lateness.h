// How much later a system may have been by what was not its doing: by a generator that was late,
// and by a host that took CPU from it.
#pragma once

#include <vector>

#include "loadgen/run_record.h"

namespace penstock {

// Refers to the run.
//
// Work that comes later by a time, to a system that serves it in turn or in parallel, ends later by
// that time at most; so does work of which a time was taken away. Both go back to the last moment
// at which nothing was under way, for what was late before it has been made up. From there on a
// document may have been delayed by the latest that any upload was issued, by all that the
// generator's timers were late, and by all CPU time that was stolen: by the sum of them, if the
// worst of each came together.
class Lateness {
 public:
  explicit Lateness(const RunRecord& run);

  // At most, in seconds, of what was seen of the document at `end`.
  double of(const Arrival& arrival, Offset end) const;

 private:
  // Until nothing is under way.
  struct Busy {
    Offset begin{0};
    double issue_delay_s = 0;  // the most
  };
  // Of the samples up to a moment; one that the moment is in the time of counts if `whole`.
  double lost_until(Offset moment, bool whole) const;

  const RunRecord& run_;
  std::vector<Busy> busy_;
  std::vector<std::size_t> busy_of_;  // by number of an arrival
  std::vector<double> lost_s_;        // timers and stolen, up to each sample
};

}  // namespace penstock
