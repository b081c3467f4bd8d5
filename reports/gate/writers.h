// What a gate concluded, for each reader. A writer computes nothing but layout.
#pragma once

#include <string>

#include "reports/gate/gate_report.h"

namespace penstock {

// For a person at a terminal, the verdict first. At most 100 columns. Colours: ANSI, of verdicts.
std::string terminal_report(const GateReport& report, bool with_colours);

// gate.json, of the schema gate.schema.json. All that was seen, so that it can be judged again.
inline constexpr int gate_schema_version = 1;
std::string json_report(const GateReport& report);

// For CI. A test case for each figure, each line of content and each control: regressions are
// failures, a control that moved is an error, and what is inconclusive or unproven is skipped.
std::string junit_report(const GateReport& report);

// For a CI's summary page.
std::string markdown_report(const GateReport& report);

// gate.html: one file that opens offline. Asks nobody for anything and runs no script.
std::string html_report(const GateReport& report);

}  // namespace penstock
