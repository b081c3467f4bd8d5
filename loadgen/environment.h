// What a run was made with, so that its numbers are compared with nothing else's.
#pragma once

#include <string>

#include "loadgen/run_record.h"

namespace penstock {

// Watches the machine for a second, to see whether it has something else to do.
Environment environment_of_run(const std::string& version);

}  // namespace penstock
