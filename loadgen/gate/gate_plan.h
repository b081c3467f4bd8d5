// What a gate is to do.
#pragma once

#include <cstdint>
#include <string>

#include "loadgen/gate/job.h"

namespace penstock {

struct GatePlan {
  GateJob job;
  std::string baseline;  // paths, as given
  std::string candidate;
  std::uint64_t seed = 1;  // of the order of runs
  std::uint32_t pairs_max = 30;
  bool accepts_content = false;
  std::string command;  // makes this gate again
  std::string version;  // of the program that gates
};

}  // namespace penstock
