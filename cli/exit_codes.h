// What the process tells its caller. Documented in the README; scripts rely on it.
#pragma once

namespace penstock {

enum ExitCode : int {
  exit_done = 0,
  exit_fatal = 1,  // the message says what to do
  exit_usage = 2,
  exit_some_failed = 3,  // finished, but some documents failed
  exit_target_missed = 10,
  exit_regression = 11,
  exit_invalid = 12,       // the run could not measure
  exit_inconclusive = 13,  // it needs more documents
  exit_interrupted = 130   // after draining
};

}  // namespace penstock
