// What is said of a figure, and of the whole gate, in a line. The same in every format.
#pragma once

#include <string>
#include <vector>

#include "reports/gate/gate_report.h"

namespace penstock {

std::string label_of(const GateMetric& metric);       // "documents per second"
std::string percent_text(double part);                // "-5.8%"
std::string change_text(const MetricResult& result);  // "-5.8% (-7.1% to -4.4%)", "not measured"
std::string value_text(const GateMetric& metric, double value);  // "412.3 MB", "1,204"

std::string sentence_of(const MetricResult& result);

// Of metrics and of content, a line each. Those of the whole first, with the stages behind them.
std::vector<std::string> regression_lines(const GateReport& report);

// The verdict in one line; all else of the report is there.
std::string verdict_sentence(const GateReport& report);

}  // namespace penstock
