#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/gate/html_sections.h"
#include "reports/gate/sentences.h"
#include "reports/html/markup.h"
#include "reports/html/plot.h"

namespace penstock::html {
namespace {

constexpr std::size_t plots_max = 12;

const ChangePoint* change_of(const GateHistory& history, const std::string& name) {
  const auto found = std::ranges::find(history.changes, name, &ChangePoint::metric);
  return found == history.changes.end() ? nullptr : &*found;
}

std::string plot_of(const GateHistory& history, const GateMetric& metric) {
  std::vector<Point> points;
  std::vector<const PastGate*> gates;
  double least = INFINITY, most = -INFINITY;
  for (const PastGate& gate : history.gates) {
    const auto found = gate.metrics.find(metric.name);
    if (found == gate.metrics.end()) continue;
    points.push_back({static_cast<double>(points.size() + 1), found->second.candidate});
    gates.push_back(&gate);
    least = std::min(least, points.back().y);
    most = std::max(most, points.back().y);
  }
  if (points.size() < 2) return {};
  // What is a tenth of a limit does not fill the chart.
  const double margin = std::max(0.15 * (most - least), metric.floor * std::abs(most));
  Plot plot(
      Scale::linear(0, static_cast<double>(points.size()) + 1),
      Scale::linear(least - margin, most + margin),
      fmt::format("{} of the candidates of {}", label_of(metric), counted(points.size(), "gate")));
  GateMetric bare = metric;
  if (bare.unit != "bytes") bare.unit.clear();
  plot.y_axis(labelled(plot.y().ticks(3), [&](double value) { return value_text(bare, value); }));
  const ChangePoint* const change = change_of(history, metric.name);
  if (change != nullptr) {
    // Gates of the past that were invalid are in the plot and not in the count.
    const auto first = std::ranges::find_if(gates, [&](const PastGate* gate) {
      return build_text(gate->candidate) == change->first_after;
    });
    plot.upright(static_cast<double>(first - gates.begin()) + 0.5, "knee",
                 percent_text(change->change));
  }
  for (std::size_t i = 0; i < points.size(); ++i)
    plot.hover(
        points[i].x - 0.5, points[i].x + 0.5,
        fmt::format("{}&#10;{}&#10;{}", text(gates[i]->date), text(build_text(gates[i]->candidate)),
                    text(value_text(metric, points[i].y))));
  plot.dots(points, "many");
  return plot.figure(label_of(metric), "small");
}

}  // namespace

std::string history(const GateReport& report) {
  const GateHistory& history = report.history;
  if (history.gates.empty())
    return nothing("There is none: this gate was not told where to keep one.");
  std::string said;
  for (const ChangePoint& change : history.changes)
    said += fmt::format("<li>{} {}</li>\n", badge("inconclusive", "!", "warning"),
                        text(change.sentence));
  if (said.empty()) said = "<li>No step that is not chance.</li>\n";
  const std::string alarms = false_alarm_text(history);
  if (!alarms.empty()) said += fmt::format("<li>The gate itself: {}.</li>\n", text(alarms));
  // Those that moved first.
  std::vector<const GateMetric*> metrics;
  for (const MetricResult& result : report.metrics) metrics.push_back(&result.metric);
  std::ranges::stable_partition(metrics, [&](const GateMetric* metric) {
    return change_of(history, metric->name) != nullptr;
  });
  std::string plots;
  for (std::size_t i = 0; i < std::min(metrics.size(), plots_max); ++i)
    plots += plot_of(history, *metrics[i]);
  return "<ul class=\"said\">\n" + said + "</ul>\n" +
         (plots.empty() ? nothing("This is the first gate of its job on this machine.")
                        : "<div class=\"three\">\n" + plots + "</div>\n");
}

}  // namespace penstock::html
