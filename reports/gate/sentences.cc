#include "reports/gate/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/gate/decide.h"
#include "reports/gate/metric_verdicts.h"

namespace penstock {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : std::string(between)) + part;
  return all;
}

std::string limit_text(const GateMetric& metric) {
  return fmt::format("limit {:.3g}%", 100 * metric.floor);
}

double worse(const MetricResult& result) {
  return result.change ? worse_by(result.metric, *result.change) : 0;
}

// "instructions" of "instructions extract", as its stage is said before it. Not of "cpu
// extraction".
std::string label_in_stage(const GateMetric& metric) {
  const std::string label = label_of(metric);
  if (label.ends_with(' ' + metric.stage))
    return label.substr(0, label.size() - metric.stage.size() - 1);
  if (label.starts_with(metric.stage + ' ')) return label.substr(metric.stage.size() + 1);
  return label;
}

// "extract +6.1% instructions, +5.9% CPU", of what moved beyond its limit. Stages with a
// regression; without one, those that may be it.
std::string stages_behind(const GateReport& report) {
  struct Stage {
    std::string name;
    double worst = 0;
    bool is_proven = false;
    std::vector<std::string> parts;
  };
  std::vector<Stage> stages;
  bool has_stages = false, is_any_proven = false;
  for (const MetricResult& result : report.metrics) {
    if (result.metric.stage.empty() || result.metric.is_control || !result.change) continue;
    has_stages = true;
    if (worse(result) <= result.metric.floor) continue;
    const auto found = std::ranges::find(stages, result.metric.stage, &Stage::name);
    Stage& stage = found != stages.end() ? *found : stages.emplace_back();
    stage.name = result.metric.stage;
    stage.worst = std::max(stage.worst, worse(result));
    stage.is_proven |= result.outcome == GateOutcome::regression;
    is_any_proven |= stage.is_proven;
    stage.parts.push_back(percent_text(*result.change) + ' ' + label_in_stage(result.metric));
  }
  if (stages.empty())
    return has_stages ? "no stage does more: look for waits, memory or the store" : "";
  std::ranges::stable_sort(stages, std::greater{}, &Stage::worst);
  std::vector<std::string> said;
  for (const Stage& stage : stages)
    if (stage.is_proven || !is_any_proven)
      said.push_back(stage.name + ' ' + joined(stage.parts, ", "));
  return (is_any_proven ? "" : "perhaps ") + joined(said, "; ");
}

std::uint64_t more_pairs(const GateReport& report) {
  std::uint64_t most = 0;
  for (const MetricResult& result : report.metrics)
    if (!result.metric.may_stay_open) most = std::max(most, result.more_pairs);
  return most;
}

std::size_t count_of(const GateReport& report, GateOutcome outcome) {
  return static_cast<std::size_t>(std::ranges::count_if(report.metrics, [&](const auto& result) {
    return result.outcome == outcome && !result.metric.is_control;
  }));
}

std::string controls_that_moved(const GateReport& report) {
  std::vector<std::string> moved;
  for (const MetricResult& result : report.metrics)
    if (result.metric.is_control && result.outcome == GateOutcome::regression)
      moved.push_back(label_of(result.metric) + ' ' + change_text(result));
  return joined(moved, "; ");
}

// Those that the gate waits for, or those that it does not.
std::size_t open_figures(const GateReport& report, bool may_stay_open) {
  return static_cast<std::size_t>(std::ranges::count_if(report.metrics, [&](const auto& result) {
    return result.outcome == GateOutcome::inconclusive && !result.metric.is_control &&
           result.metric.may_stay_open == may_stay_open;
  }));
}

std::string passed_text(const GateReport& report) {
  const std::size_t noisy = open_figures(report, true);
  const std::size_t better = count_of(report, GateOutcome::improvement);
  const auto accepted = std::ranges::count(report.content, true, &ContentResult::is_accepted);
  return fmt::format("{} not worse{}{}, after {}; {}",
                     counted(better + count_of(report, GateOutcome::no_change), "figure"),
                     better > 0 ? fmt::format(", {} better", better) : "",
                     noisy > 0 ? fmt::format(", {} too noisy to tell", noisy) : "",
                     counted(report.record.pairs.size(), "pair"),
                     report.content.empty() ? "content was not compared"
                     : accepted > 0         ? "content changed, which was accepted"
                                            : "content within its limits");
}

std::string inconclusive_text(const GateReport& report) {
  const std::size_t open = open_figures(report, false);
  const std::uint64_t more = more_pairs(report);
  const std::string after = "after " + counted(report.record.pairs.size(), "pair");
  if (!report.record.interrupted.empty())
    return fmt::format("broken off {}: {}", after, report.record.interrupted);
  if (open == 0) return "nothing was compared";
  return fmt::format("{} open {}{}", counted(open, "figure"), after,
                     more > 0 ? fmt::format(", needs about {} more", counted(more, "pair")) : "");
}

}  // namespace

std::string label_of(const GateMetric& metric) {
  std::string label = metric.name;
  std::ranges::replace(label, '_', ' ');
  return label;
}

std::string percent_text(double part) {
  const double percent = 100 * part;
  if (std::abs(percent) >= 99.95) return fmt::format("{:+.0f}%", percent);
  // Not "-0.0%".
  return fmt::format("{:+.1f}%", std::abs(percent) < 0.05 ? 0.0 : percent);
}

std::string change_text(const MetricResult& result) {
  if (!result.change) return "not measured";
  if (!result.low || !result.high) return percent_text(*result.change);
  return fmt::format("{} ({} to {})", percent_text(*result.change), percent_text(*result.low),
                     percent_text(*result.high));
}

std::string value_text(const GateMetric& metric, double value) {
  if (metric.unit == "bytes" || metric.unit == "B")
    return human_bytes(static_cast<std::uint64_t>(std::max(0.0, value)));
  const double size = std::abs(value);
  const std::string amount = size >= 999.95e6           ? fmt::format("{:.2f} G", value / 1e9)
                             : size >= 0.1 || size == 0 ? human_amount(value)
                                                        : fmt::format("{:#.3g}", value);
  return metric.unit.empty() ? amount : amount + ' ' + metric.unit;
}

std::string sentence_of(const MetricResult& result) {
  const std::string change = change_text(result);
  if (!result.change) return change;
  if (result.metric.is_control)
    return result.outcome == GateOutcome::regression
               ? fmt::format("{}, {}: the machine was not the same for both builds", change,
                             limit_text(result.metric))
               : change;
  switch (result.outcome) {
    case GateOutcome::regression:
    case GateOutcome::improvement:
    case GateOutcome::no_change:
      return fmt::format("{}, {}", change, limit_text(result.metric));
    case GateOutcome::unproven:
      return fmt::format("{}, {}: unproven, as a control moved", change, limit_text(result.metric));
    case GateOutcome::inconclusive:
      break;
  }
  return fmt::format("{}, {}: needs about {} more", change, limit_text(result.metric),
                     counted(result.more_pairs, "pair"));
}

std::vector<std::string> regression_lines(const GateReport& report) {
  std::vector<std::string> of_whole, of_stages;
  const std::string behind = stages_behind(report);
  for (const MetricResult& result : report.metrics) {
    if (result.metric.is_control || result.outcome != GateOutcome::regression) continue;
    std::string line = label_of(result.metric) + ' ' + result.sentence;
    if (result.metric.stage.empty())
      of_whole.push_back(line + (behind.empty() ? "" : ": " + behind));
    else
      of_stages.push_back(std::move(line));
  }
  for (const ContentResult& result : report.content)
    if (result.outcome == GateOutcome::regression)
      of_whole.push_back(
          fmt::format("{}: {} (limit: {})", result.name, result.sentence, result.limit));
  of_whole.insert(of_whole.end(), of_stages.begin(), of_stages.end());
  return of_whole;
}

std::string build_text(const GateBuild& build) {
  return fmt::format("{} ({})", build.version.empty() ? "a build" : build.version,
                     build.digest.empty() ? "no digest" : build.digest.substr(0, 8));
}

std::string about_text(const GateReport& report) {
  const GateRecord& record = report.record;
  return fmt::format("{} against {}: {} of at most {} in {}", build_text(record.candidate),
                     build_text(record.baseline), record.pairs.size(),
                     counted(record.pairs_max, "pair"), human_time(record.took));
}

std::string_view word_of(const MetricResult& result) {
  if (!result.metric.is_control) return name_of(result.outcome);
  return result.outcome == GateOutcome::regression ? "moved" : "steady";
}

std::string_view word_of(const ContentResult& result) {
  if (result.is_accepted) return "accepted";
  if (result.outcome == GateOutcome::regression) return name_of(result.outcome);
  return result.sentence.empty() ? "the same" : "changed";
}

std::string false_alarm_text(const GateHistory& history) {
  if (history.same_builds == 0) return "";
  return fmt::format("of {} of the same build twice {} gave a false alarm: {:.1f}% to {:.1f}% do",
                     counted(history.same_builds, "gate"), history.false_alarms,
                     100 * history.rate_low, 100 * history.rate_high);
}

std::string verdict_sentence(const GateReport& report) {
  const std::string same = report.is_same_build ? "the same build twice: " : "";
  switch (report.verdict) {
    case GateVerdict::pass:
      return same + passed_text(report);
    case GateVerdict::regression: {
      const std::size_t more = report.regressions.size() - 1;
      return same + report.regressions.front() +
             (more > 0 ? fmt::format("; and {} more", more) : "");
    }
    case GateVerdict::invalid:
      return fmt::format("{}nothing is proven, as a control moved: {}", same,
                         controls_that_moved(report));
    case GateVerdict::inconclusive:
      break;
  }
  return same + inconclusive_text(report);
}

}  // namespace penstock
