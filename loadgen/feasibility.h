// Whether a profile asks for what nothing could give: told before it runs, with the arithmetic.
#pragma once

#include <string>
#include <vector>

#include "loadgen/corpus.h"
#include "loadgen/profile.h"
#include "loadgen/schedule.h"

namespace penstock {

// A sentence for each reason why no system could keep the targets, or come to an end in time.
// Empty: nothing speaks against it.
std::vector<std::string> impossible(const Profile& profile, const Schedule& schedule,
                                    const Corpus& corpus);

}  // namespace penstock
