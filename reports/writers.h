// A report for each reader. A writer computes nothing but layout; what each shows is the model of
// capacity_report.h, whole or the part that its reader needs.
#pragma once

#include <iosfwd>
#include <string>

#include "reports/capacity_report.h"

namespace penstock {

// For a person at a terminal, the verdict first. At most 100 columns. Colours: ANSI, of the
// verdicts.
std::string terminal_report(const CapacityReport& report, bool with_colours);

// report.json, of the schema report.schema.json. All but what is a line for each document or
// moment.
inline constexpr int report_schema_version = 1;
std::string json_report(const CapacityReport& report);

// For CI. A test case for each target and each check: missed targets and losses are failures, what
// makes the run invalid is an error, and what is inconclusive or not judged for it is skipped.
std::string junit_report(const CapacityReport& report);

// For a CI's summary page.
std::string markdown_report(const CapacityReport& report);

// arrivals.csv, a line for each document, and samples.csv. Times are seconds since the run's start.
void write_arrivals(const RunRecord& run, std::ostream& out);
void write_samples(const RunRecord& run, std::ostream& out);

}  // namespace penstock
