// report.html: one file that opens offline, for a person and for whoever that person sends it to.
#pragma once

#include <string>

#include "reports/capacity_report.h"

namespace penstock {

// Asks nobody for anything and runs no script: the page's own policy forbids both. Below 2 MB for
// every run.
std::string html_report(const CapacityReport& report);

}  // namespace penstock
