// What is drawn of a run. Each is whole HTML: its heading, its chart, and its numbers as text.
#pragma once

#include <string>

#include "reports/capacity_report.h"

namespace penstock::html {

std::string timeline(const CapacityReport& report);
std::string percentiles(const CapacityReport& report);
std::string load_and_latency(const CapacityReport& report);
std::string time_and_size(const CapacityReport& report);

// CPU, memory and descriptors over time; empty without samples.
std::string use_over_time(const CapacityReport& report);

}  // namespace penstock::html
