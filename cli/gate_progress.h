// How a gate gets on: a line that rewrites itself on a terminal, one for each new thing in a pipe.
// On standard error.
#pragma once

#include <string>

#include "loadgen/gate/gate_run.h"

namespace penstock {

// One thread.
class GateProgressLine {
 public:
  GateProgressLine();

  void show(const GateProgress& progress);
  void clear();

 private:
  const bool terminal_;
  std::string shown_;  // last
};

}  // namespace penstock
