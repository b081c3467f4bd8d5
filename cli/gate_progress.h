// How a gate gets on: a line that rewrites itself on a terminal, one for each new thing in a pipe.
// On standard error.
#pragma once

#include <string>

namespace penstock {

// One thread.
class GateProgress {
 public:
  GateProgress();

  void show(const std::string& doing);
  void clear();

 private:
  const bool terminal_;
  std::string shown_;  // last
};

}  // namespace penstock
