// Outcomes as users name them on the command line.
#pragma once

#include <string>
#include <vector>

#include "engine/core/outcome.h"

namespace penstock {

// Throws FatalError on a name that is none, listing those that are.
std::vector<Outcome> outcomes_named(const std::vector<std::string>& names);

}  // namespace penstock
