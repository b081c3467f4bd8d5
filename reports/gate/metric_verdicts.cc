#include "reports/gate/metric_verdicts.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "reports/gate/decide.h"
#include "reports/gate/paired_test.h"
#include "reports/statistics.h"

namespace penstock {
namespace {

// Of all metrics or controls together, over all looks.
constexpr double regression_errors = 0.0075;
constexpr double control_errors = 0.0025;
// Of each metric: an improvement that is none stops nobody.
constexpr double improvement_errors = 0.01;

constexpr std::uint64_t more_pairs_max = 10'000;

struct Look {
  std::uint32_t pairs = 0;
  double share = 0;  // of the errors that are allowed
};

// Looks at which even pairs that all agree could be chance pass their share on.
std::vector<Look> shares(std::uint32_t pairs_max, double errors) {
  std::vector<Look> all;
  double saved = 0;
  std::uint32_t before = 0;
  for (const std::uint32_t pairs : looks(pairs_max)) {
    saved += static_cast<double>(pairs - before) / pairs_max;
    before = pairs;
    if (pairs < pairs_for(errors * saved)) {
      all.push_back({pairs, 0});
      continue;
    }
    all.push_back({pairs, errors * saved});
    saved = 0;
  }
  return all;
}

std::optional<double> find(const Values& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

// Of the pairs that have the metric on both sides, in order of time.
struct Series {
  std::vector<double> baseline;
  std::vector<double> candidate;
  std::vector<double> differences;   // above zero: the candidate has more
  std::vector<std::size_t> of_pair;  // its number, from 0
  std::span<const double> up_to(std::uint32_t pairs) const {
    const auto end = std::ranges::lower_bound(of_pair, pairs);
    return std::span(differences).first(static_cast<std::size_t>(end - of_pair.begin()));
  }
};

Series series_of(const GateRecord& record, const std::string& name) {
  Series series;
  for (std::size_t i = 0; i < record.pairs.size(); ++i) {
    const auto baseline = find(record.pairs[i].baseline, name);
    const auto candidate = find(record.pairs[i].candidate, name);
    if (!baseline || !candidate) continue;
    series.baseline.push_back(*baseline);
    series.candidate.push_back(*candidate);
    series.differences.push_back(log_ratio(*baseline, *candidate));
    series.of_pair.push_back(i);
  }
  return series;
}

std::optional<double> as_change(std::optional<double> logarithm) {
  return logarithm ? std::optional(std::expm1(*logarithm)) : std::nullopt;
}

void show(MetricResult& result, const Series& series, std::span<const double> differences) {
  result.pairs = static_cast<std::uint32_t>(differences.size());
  result.baseline = median(series.baseline);
  result.candidate = median(series.candidate);
  const Shift shift = shift_of(differences, 1 - confidence);
  result.change = as_change(shift.value);
  result.low = as_change(shift.low);
  result.high = as_change(shift.high);
  const Tails tails = signed_rank_tails(differences);
  result.chance = result.metric.more_is_better ? tails.down : tails.up;
}

// The end of the interval that is farther to the worse.
std::optional<double> worst_end(const MetricResult& result) {
  const auto& end = result.metric.more_is_better ? result.low : result.high;
  return end ? std::optional(worse_by(result.metric, *end)) : std::nullopt;
}

// An interval is as wide as 1 / sqrt(pairs). Until it ends before what must not slip through; or,
// of what is beyond its floor, until it ends above zero by the stricter test of a regression.
std::uint64_t more_pairs_for(const MetricResult& result) {
  const auto worst = worst_end(result);
  if (result.pairs < pairs_min || !worst) return pairs_min - std::min(result.pairs, pairs_min - 1);
  constexpr double stricter = 1.4;  // 3.2 standard deviations, about, in place of 2.33
  const double worse = worse_by(result.metric, *result.change);
  const double half = *worst - worse;
  double times = INFINITY;
  if (worse < harm(result.metric)) times = half / (harm(result.metric) - worse);
  if (worse > result.metric.floor) times = std::min(times, stricter * half / worse);
  const double more = std::ceil(result.pairs * (times * times - 1));
  return static_cast<std::uint64_t>(std::clamp(more, 2.0, static_cast<double>(more_pairs_max)));
}

bool is_same(const MetricResult& result) {
  const auto worst = worst_end(result);
  return worst && *worst < harm(result.metric);
}

// What a look found stays: it was paid for.
MetricResult judge_timed(const GateRecord& record, const GateMetric& metric, std::size_t others) {
  MetricResult result{.metric = metric};
  const Series series = series_of(record, metric.name);
  if (series.differences.empty()) return result;
  const double direction = metric.more_is_better ? -1 : 1;
  const auto regressions =
      shares(record.pairs_max, regression_errors / static_cast<double>(others));
  const auto improvements = shares(record.pairs_max, improvement_errors);
  std::span<const double> seen;
  for (std::size_t i = 0; i < regressions.size(); ++i) {
    if (record.pairs.size() < regressions[i].pairs) break;
    seen = series.up_to(regressions[i].pairs);
    if (seen.empty() || result.outcome != GateOutcome::inconclusive) continue;
    const Tails tails = signed_rank_tails(seen);
    const double change = std::expm1(shift_of(seen, 1 - confidence).value);
    const double worse = worse_by(metric, change);
    const double chance_worse = direction > 0 ? tails.up : tails.down;
    const double chance_better = direction > 0 ? tails.down : tails.up;
    if (chance_worse <= regressions[i].share && worse > metric.floor)
      result.outcome = GateOutcome::regression;
    else if (chance_better <= improvements[i].share && worse < -metric.floor)
      result.outcome = GateOutcome::improvement;
  }
  const bool has_look = !seen.empty();
  show(result, series, has_look ? seen : std::span<const double>(series.differences));
  if (has_look && result.outcome == GateOutcome::inconclusive && is_same(result))
    result.outcome = GateOutcome::no_change;
  if (result.outcome == GateOutcome::inconclusive) result.more_pairs = more_pairs_for(result);
  return result;
}

// Nothing is proven of a control: it has moved, or it has not.
MetricResult judge_control(const GateRecord& record, const GateMetric& metric, std::size_t others) {
  MetricResult result{.metric = metric, .outcome = GateOutcome::no_change};
  const Series series = series_of(record, metric.name);
  if (series.differences.empty()) return result;
  for (const Look& look :
       shares(record.pairs_max, control_errors / 2 / static_cast<double>(others))) {
    if (record.pairs.size() < look.pairs) break;
    const auto seen = series.up_to(look.pairs);
    if (seen.empty()) continue;
    const Tails tails = signed_rank_tails(seen);
    const double change = std::expm1(shift_of(seen, 1 - confidence).value);
    if (std::min(tails.up, tails.down) <= look.share && std::abs(change) > metric.floor)
      result.outcome = GateOutcome::regression;
  }
  show(result, series, series.differences);
  return result;
}

MetricResult judge_counts(const GateRecord& record, const GateMetric& metric) {
  MetricResult result{.metric = metric};
  result.baseline = find(record.baseline_counts, metric.name);
  result.candidate = find(record.candidate_counts, metric.name);
  if (!result.baseline || !result.candidate) return result;
  result.change = std::expm1(log_ratio(*result.baseline, *result.candidate));
  const double worse = worse_by(metric, *result.change);
  result.outcome = worse > metric.floor    ? GateOutcome::regression
                   : worse < -metric.floor ? GateOutcome::improvement
                                           : GateOutcome::no_change;
  return result;
}

}  // namespace

double worse_by(const GateMetric& metric, double change) {
  return metric.more_is_better ? -change : change;
}

std::vector<MetricResult> judge_metrics(const GateRecord& record) {
  std::size_t timed = 0, controls = 0;
  for (const GateMetric& metric : record.metrics) {
    if (metric.is_exact) continue;
    ++(metric.is_control ? controls : timed);
  }
  std::vector<MetricResult> results;
  results.reserve(record.metrics.size());
  for (const GateMetric& metric : record.metrics)
    results.push_back(metric.is_exact     ? judge_counts(record, metric)
                      : metric.is_control ? judge_control(record, metric, controls)
                                          : judge_timed(record, metric, timed));
  return results;
}

}  // namespace penstock
