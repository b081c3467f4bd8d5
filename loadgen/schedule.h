// When documents are due: made before the run from the profile's phases and its seed, so that
// nothing the system does can move it.
#pragma once

#include <cstdint>
#include <vector>

#include "loadgen/profile.h"
#include "loadgen/run_record.h"

namespace penstock {

struct Due {
  Offset at{0};            // since the stretch's begin
  std::uint32_t kind = 0;  // index of Profile::kinds
};

// A part of a phase that begins at one moment: when the stretch before it has ended. Most phases
// are one stretch; of bursts each is one.
struct Stretch {
  std::uint32_t phase = 0;        // index of Profile::phases
  Offset length{0};               // it ends so long after its begin, or with its last document
  std::vector<Due> due;           // by time; of a closed model in turn, over and over
  std::uint32_t clients = 0;      // of a closed model; 0: open
  bool is_drained_after = false;  // and ends only when everything sent has come to its end
  Offset pause_after{0};          // and so much later
};

using Schedule = std::vector<Stretch>;

// The same for the same profile, of its seed, on every machine. Throws FatalError for a trace that
// cannot be read.
Schedule schedule_of(const Profile& profile);

}  // namespace penstock
