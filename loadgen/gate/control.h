// Fixed pieces of work that no change of the program can move. Where they move the machine did, and
// what was measured beside them is of the machine.
#pragma once

#include <string>

#include "loadgen/gate/gate_record.h"

namespace penstock {

// Does them, and says how long each took: some tenths of a second in all. The disk is that of
// `folder`. Throws FatalError when it cannot be written.
Values time_controls(const std::string& folder);

}  // namespace penstock
