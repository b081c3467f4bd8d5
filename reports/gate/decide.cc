#include "reports/gate/decide.h"

#include <algorithm>
#include <cmath>

#include "reports/gate/content_verdict.h"
#include "reports/gate/metric_verdicts.h"
#include "reports/gate/sentences.h"

namespace penstock {
namespace {

constexpr double look_growth = 1.4;
constexpr double last_look_growth = 1.2;  // one that is nearer to the last is left out

bool is_control(const MetricResult& result) {
  return result.metric.is_control;
}

bool has_moved(const MetricResult& result) {
  return result.metric.is_control && result.outcome == GateOutcome::regression;
}

bool is_timed(const MetricResult& result) {
  return !result.metric.is_control && !result.metric.is_exact;
}

bool is_regression(const MetricResult& result) {
  return !result.metric.is_control && result.outcome == GateOutcome::regression;
}

bool is_open(const MetricResult& result) {
  return !result.metric.is_control && !result.metric.may_stay_open &&
         result.outcome == GateOutcome::inconclusive;
}

// More pairs may show that it is worse, though without them it would not be in the way.
bool is_suspect(const MetricResult& result) {
  return result.metric.may_stay_open && result.outcome == GateOutcome::inconclusive &&
         result.change && worse_by(result.metric, *result.change) > result.metric.floor;
}

// Counts and content do not depend on what the machine did: they are proven even if a control
// moved.
GateVerdict verdict_of(const GateReport& report) {
  const bool is_worse = std::ranges::any_of(report.metrics, is_regression) ||
                        std::ranges::any_of(report.content, [](const ContentResult& result) {
                          return result.outcome == GateOutcome::regression;
                        });
  if (is_worse) return GateVerdict::regression;
  if (std::ranges::any_of(report.metrics, has_moved)) return GateVerdict::invalid;
  if (!report.record.interrupted.empty()) return GateVerdict::inconclusive;
  if (report.content.empty() && std::ranges::all_of(report.metrics, &is_control))
    return GateVerdict::inconclusive;
  return std::ranges::any_of(report.metrics, is_open) ? GateVerdict::inconclusive
                                                      : GateVerdict::pass;
}

}  // namespace

std::vector<std::uint32_t> looks(std::uint32_t pairs_max) {
  std::vector<std::uint32_t> all;
  for (double pairs = pairs_min; pairs * last_look_growth < pairs_max; pairs *= look_growth)
    all.push_back(static_cast<std::uint32_t>(std::lround(pairs)));
  if (pairs_max >= pairs_min) all.push_back(pairs_max);
  return all;
}

GateReport decide(GateRecord record) {
  GateReport report{.record = std::move(record)};
  report.is_same_build = !report.record.baseline.digest.empty() &&
                         report.record.baseline.digest == report.record.candidate.digest;
  report.metrics = judge_metrics(report.record);
  report.content = judge_content(report.record);
  if (std::ranges::any_of(report.metrics, has_moved))
    for (MetricResult& result : report.metrics)
      if (is_timed(result)) result.outcome = GateOutcome::unproven;
  for (MetricResult& result : report.metrics) result.sentence = sentence_of(result);
  report.verdict = verdict_of(report);
  report.regressions = regression_lines(report);
  report.sentence = verdict_sentence(report);
  return report;
}

bool is_decided(const GateRecord& record) {
  if (record.pairs.size() >= record.pairs_max) return true;
  // Only a look says anything new.
  const auto all = looks(record.pairs_max);
  if (std::ranges::find(all, record.pairs.size()) == all.end()) return false;
  const std::vector<MetricResult> results = judge_metrics(record);
  const auto is_timed_open = [](const MetricResult& result) {
    return is_timed(result) && (is_open(result) || is_suspect(result));
  };
  const auto is_timed_regression = [](const MetricResult& result) {
    return is_timed(result) && is_regression(result);
  };
  return std::ranges::any_of(results, has_moved) ||
         std::ranges::any_of(results, is_timed_regression) ||
         std::ranges::none_of(results, is_timed_open);
}

}  // namespace penstock
