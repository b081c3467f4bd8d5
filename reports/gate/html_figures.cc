#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/gate/html_sections.h"
#include "reports/gate/metric_verdicts.h"
#include "reports/gate/paired_test.h"
#include "reports/gate/sentences.h"
#include "reports/html/markup.h"
#include "reports/html/plot.h"

namespace penstock::html {
namespace {

constexpr double forest_floors = 3;  // to either side
constexpr std::size_t plots_max = 12;

std::string badge_of(const MetricResult& result) {
  constexpr std::string_view tones[] = {"fail", "pass", "same", "inconclusive", "invalid"};
  constexpr std::string_view marks[] = {"✗", "↑", "✓", "?", "!"};
  const auto at = static_cast<std::size_t>(result.outcome);
  return badge(tones[at], marks[at], word_of(result));
}

// In floors of the figure, the worse to the right.
double place_of(const MetricResult& result, double change) {
  const double floors = worse_by(result.metric, change) / std::max(1e-9, result.metric.floor);
  return std::clamp(0.5 + floors / forest_floors / 2, 0.0, 1.0);
}

std::string forest(const MetricResult& result) {
  if (!result.change) return "<span class=\"soft\">not measured</span>";
  constexpr std::string_view tones[] = {"fail", "pass", "same", "inconclusive", "invalid"};
  std::string range;
  if (result.low && result.high) {
    const double low = place_of(result, *result.low), high = place_of(result, *result.high);
    range = fmt::format("<i class=\"range\" style=\"left:{};width:{}\"></i>",
                        percent(std::min(low, high)), percent(std::abs(high - low)));
  }
  return fmt::format("<div class=\"forest {}\">{}<i class=\"value\" style=\"--at:{}\"></i></div>",
                     tones[static_cast<std::size_t>(result.outcome)], range,
                     percent(place_of(result, *result.change)));
}

std::string medians(const MetricResult& result) {
  if (!result.baseline || !result.candidate) return "<span class=\"soft\">none</span>";
  return fmt::format("{} <span class=\"soft\">→</span> {}",
                     text(value_text(result.metric, *result.baseline)),
                     text(value_text(result.metric, *result.candidate)));
}

std::string table(const GateReport& report, bool of_controls) {
  std::string rows;
  for (const MetricResult& result : report.metrics) {
    if (result.metric.is_control != of_controls) continue;
    const std::string about = result.metric.is_exact ? "counted" : counted(result.pairs, "pair");
    rows += fmt::format(
        "<tr><td class=\"target\"><strong>{}</strong> <span class=\"soft\">{}</span><p>{}</p></td>"
        "<td>{}</td><td class=\"against\" data-label=\"change against the limit\">{}</td><td "
        "class=\"budget\" data-label=\"baseline and candidate\">{}</td></tr>\n",
        text(label_of(result.metric)), about, text(result.sentence), badge_of(result),
        forest(result), medians(result));
  }
  if (rows.empty()) return {};
  return "<table class=\"targets\">\n<thead><tr><th>figure</th><th>verdict</th><th>change against "
         "the limit<span class=\"gauge-scale\"><span>better</span><span>limit</span><span>limit"
         "</span><span>worse</span></span></th><th>baseline → candidate</th></tr></thead>\n"
         "<tbody>\n" +
         rows + "</tbody></table>\n";
}

struct PairPoint {
  double number = 0;
  double change = 0;
  const GatePair* pair = nullptr;
};

std::vector<PairPoint> points_of(const GateRecord& record, const std::string& name) {
  std::vector<PairPoint> points;
  for (std::size_t i = 0; i < record.pairs.size(); ++i) {
    const GatePair& pair = record.pairs[i];
    const auto baseline = pair.baseline.find(name), candidate = pair.candidate.find(name);
    if (baseline == pair.baseline.end() || candidate == pair.candidate.end()) continue;
    points.push_back({static_cast<double>(i + 1),
                      std::expm1(log_ratio(baseline->second, candidate->second)), &pair});
  }
  return points;
}

std::string plot_of(const GateReport& report, const MetricResult& result) {
  const GateMetric& metric = result.metric;
  const std::vector<PairPoint> points = points_of(report.record, metric.name);
  double most = 2 * metric.floor;
  for (const PairPoint& point : points) most = std::max(most, 1.1 * std::abs(point.change));
  most = std::min(most, 1.0);
  Plot plot(
      Scale::linear(0, static_cast<double>(report.record.pairs.size()) + 1),
      Scale::linear(-most, most),
      fmt::format("Change of {} in each of {}", label_of(metric), counted(points.size(), "pair")));
  plot.y_axis(labelled(plot.y().ticks(4), percent_text));
  plot.level(metric.more_is_better ? -metric.floor : metric.floor, "limit", "limit");
  std::vector<Point> baseline_first, candidate_first;
  for (const PairPoint& point : points) {
    (point.pair->candidate_first ? candidate_first : baseline_first)
        .push_back({point.number, std::min(point.change, most)});
    plot.hover(point.number - 0.5, point.number + 0.5,
               fmt::format("pair {:.0f}, {} first&#10;{} and {}: {}", point.number,
                           point.pair->candidate_first ? "candidate" : "baseline",
                           text(value_text(metric, point.pair->baseline.at(metric.name))),
                           text(value_text(metric, point.pair->candidate.at(metric.name))),
                           percent_text(point.change)));
  }
  plot.dots(baseline_first, "baseline-first").dots(candidate_first, "candidate-first");
  std::vector<double> numbers;
  for (const double number : plot.x().ticks(4))
    if (number > 0) numbers.push_back(number);
  plot.x_axis(labelled(numbers, amount_tick));
  return plot.figure(label_of(metric) + (metric.is_control ? " (control)" : ""), "small");
}

}  // namespace

std::string_view tone_of(GateVerdict verdict) {
  constexpr std::string_view tones[] = {"pass", "fail", "inconclusive", "invalid"};
  return tones[static_cast<std::size_t>(verdict)];
}

std::string figures(const GateReport& report) {
  const std::string rows = table(report, false);
  return rows.empty() ? nothing("Nothing was measured.") : rows;
}

std::string controls(const GateReport& report) {
  const std::string rows = table(report, true);
  return rows.empty() ? nothing(
                            "There was no control: nothing tells a slower machine from a slower "
                            "build but the order of runs, which was drawn.")
                      : rows;
}

std::string pairs(const GateReport& report) {
  std::string plots;
  std::size_t shown = 0, left_out = 0;
  for (const MetricResult& result : report.metrics) {
    if (result.metric.is_exact || !result.change) continue;
    if (shown == plots_max) {
      ++left_out;
      continue;
    }
    plots += plot_of(report, result);
    ++shown;
  }
  if (plots.empty()) return nothing("No pair of runs was made.");
  return legend({{"dots baseline-first", "baseline first"},
                 {"dots candidate-first", "candidate first"}}) +
         "<div class=\"three\">\n" + plots + "</div>\n" +
         (left_out > 0 ? fmt::format("<p class=\"note\">{} more are in gate.json.</p>\n",
                                     counted(left_out, "figure"))
                       : "");
}

}  // namespace penstock::html
