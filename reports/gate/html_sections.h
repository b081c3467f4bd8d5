// What the page of a gate is made of. Each is whole HTML, and never empty.
#pragma once

#include <string>

#include "reports/gate/gate_report.h"

namespace penstock::html {

std::string figures(const GateReport& report);   // a forest: changes against their limits
std::string controls(const GateReport& report);  // likewise
std::string pairs(const GateReport& report);     // each figure's, in order of time
std::string content(const GateReport& report);
std::string missing(const GateReport& report);
std::string history(const GateReport& report);

// A class of page.css or gate.css.
std::string_view tone_of(GateVerdict verdict);

}  // namespace penstock::html
