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

std::string build_text(const GateBuild& build);  // "1.4.0 (3fa9c1d2)"

// "1.5.0 (77aa01b2) against 1.4.0 (3fa9c1d2): 14 of at most 40 pairs in 7:12".
std::string about_text(const GateReport& report);

// Of the figure of a control "moved" or "steady", else as the outcome is named.
std::string_view word_of(const MetricResult& result);
// "the same", "changed", "accepted", "regression".
std::string_view word_of(const ContentResult& result);

// "of 31 gates of the same build twice 0 gave a false alarm: 0.0% to 13.8% do"; empty: there were
// none.
std::string false_alarm_text(const GateHistory& history);

// The verdict in one line; all else of the report is there.
std::string verdict_sentence(const GateReport& report);

}  // namespace penstock
