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

// A sentence for each target that so few documents cannot show to be met, even without a miss: the
// run may be worth its while, but its verdict is inconclusive at best. Of clients that send as many
// as are done, nobody knows how many that is.
std::vector<std::string> too_few_documents(const Profile& profile, const Schedule& schedule);

}  // namespace penstock
