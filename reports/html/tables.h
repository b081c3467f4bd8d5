// What is told of a run in rows, with bars where a length says more than a number.
#pragma once

#include <string>

#include "reports/capacity_report.h"

namespace penstock::html {

std::string targets(const CapacityReport& report);
std::string checks(const CapacityReport& report);     // and the sum of documents
std::string stages(const CapacityReport& report);     // the waterfall from intended to done
std::string resources(const CapacityReport& report);  // utilisation, and where each would run out
std::string errors(const CapacityReport& report);
std::string slowest(const CapacityReport& report);  // with the trace of each

// A verdict as a mark and a word, so that it does not depend on colours.
std::string badge(Verdict verdict);

}  // namespace penstock::html
