#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "reports/attribution.h"
#include "reports/capacity_report.h"
#include "reports/format.h"
#include "reports/knee.h"
#include "reports/measured.h"
#include "reports/statistics.h"
#include "reports/validity.h"
#include "reports/verdicts.h"

namespace penstock {
namespace {

constexpr std::size_t slowest_max = 20;
constexpr std::size_t errors_max = 20;

// Of a sweep, latencies are judged up to the knee: what is beyond is there to find it.
std::vector<MeasuredPhase> judged_phases(std::vector<MeasuredPhase> phases,
                                         const std::vector<LoadStep>& steps) {
  if (!is_sweep(steps)) return phases;
  const std::optional<double> knee = knee_of(steps);
  if (!knee) return phases;
  std::erase_if(phases, [&](const MeasuredPhase& phase) {
    return phase.plan->documents_per_second.value_or(0) > *knee;
  });
  return phases;
}

double daily_target(const std::vector<Target>& targets) {
  const auto target = std::ranges::find(targets, Measure::documents_per_day, &Target::measure);
  return target == targets.end() ? 0 : target->limit;
}

double backlog_slope(const std::vector<LoadStep>& steps) {
  double worst = 0;
  for (const LoadStep& step : steps)
    if (std::abs(step.backlog_slope) > std::abs(worst)) worst = step.backlog_slope;
  return worst;
}

// Of uploads; of whole documents where there are none to answer.
std::vector<QuantilePoint> quantile_curve(const std::vector<const Arrival*>& arrivals,
                                          bool has_uploads) {
  const bool has_answers = has_uploads && std::ranges::any_of(arrivals, [](const Arrival* arrival) {
                             return arrival->answered.has_value();
                           });
  std::vector<double> from_intended, from_issued;
  for (const Arrival* arrival : arrivals) {
    const auto end = has_answers ? arrival->answered : arrival->done;
    if (!end || !arrival->issued) continue;
    from_intended.push_back(in_seconds(*end - arrival->intended));
    from_issued.push_back(in_seconds(*end - *arrival->issued));
  }
  std::ranges::sort(from_intended);
  std::ranges::sort(from_issued);
  std::vector<QuantilePoint> curve;
  if (from_intended.empty()) return curve;
  for (const double fraction :
       {0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999}) {
    const Interval intended = quantile(from_intended, fraction);
    curve.push_back({fraction, *intended.value, *quantile(from_issued, fraction).value,
                     intended.high.has_value()});
  }
  return curve;
}

std::string error_text(const Arrival& arrival) {
  const std::string message = arrival.message.empty() ? "" : ": " + printable(arrival.message);
  switch (arrival.ending) {
    case Ending::failed:
      return (arrival.outcome.empty() ? "failed" : arrival.outcome) + message;
    case Ending::refused:
      return (arrival.status > 0 ? std::to_string(arrival.status) : "refused") + message;
    case Ending::broken:
      return "no answer" + message;
    case Ending::dropped:
      return "never sent" + message;
    case Ending::in_flight:
      return "in flight at the end";
    case Ending::lost:
      return "lost";
    case Ending::done:
      break;
  }
  return {};
}

std::vector<ErrorCount> count_errors(const RunRecord& run) {
  std::map<std::string, std::uint64_t> counts;
  for (const Arrival& arrival : run.arrivals)
    if (arrival.ending != Ending::done) ++counts[error_text(arrival)];
  std::vector<ErrorCount> errors;
  errors.reserve(counts.size());
  for (const auto& [what, count] : counts) errors.push_back({what, count});
  std::ranges::stable_sort(errors, std::greater<>{}, &ErrorCount::count);
  // Messages may have numbers in them that tell each from the next.
  if (errors.size() > errors_max) {
    std::uint64_t rest = 0;
    for (std::size_t i = errors_max - 1; i < errors.size(); ++i) rest += errors[i].count;
    errors.resize(errors_max - 1);
    errors.push_back({"others", rest});
  }
  return errors;
}

std::vector<std::uint64_t> slowest_of(std::vector<const Arrival*> arrivals) {
  std::erase_if(arrivals, [](const Arrival* arrival) { return !arrival->done; });
  std::ranges::stable_sort(arrivals, std::greater<>{}, [](const Arrival* arrival) {
    return *arrival->done - arrival->intended;
  });
  arrivals.resize(std::min(arrivals.size(), slowest_max));
  std::vector<std::uint64_t> numbers;
  numbers.reserve(arrivals.size());
  for (const Arrival* arrival : arrivals) numbers.push_back(arrival->number);
  return numbers;
}

// A broken check that is a failure comes first: what was lost is lost, whatever else was wrong with
// the run. Of an invalid run little else is said, for it may be the generator's doing.
Verdict verdict_of(const CapacityReport& report) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::find(report.targets, verdict, &TargetResult::verdict) !=
           report.targets.end();
  };
  if (std::ranges::any_of(report.checks,
                          [](const Check& check) { return !check.holds && check.is_failure; }))
    return Verdict::fail;
  if (!report.is_valid) return any(Verdict::fail) ? Verdict::fail : Verdict::invalid;
  if (any(Verdict::fail)) return Verdict::fail;
  if (any(Verdict::inconclusive) || report.targets.empty()) return Verdict::inconclusive;
  return Verdict::pass;
}

// Of an invalid run a target is missed if that needs nothing of what may be the generator's doing.
// None is met: what came late came more gently than planned.
void take_back_verdicts(CapacityReport& report) {
  const bool spares_misses = std::ranges::all_of(report.checks, [](const Check& check) {
    return check.holds || check.is_failure || check.spares_misses;
  });
  for (TargetResult& result : report.targets) {
    if (spares_misses && result.verdict == Verdict::fail && result.is_missed_anyway)
      result.sentence += fmt::format("; {} by more than generator and host were late",
                                     with_commas(result.misses_anyway));
    else
      result.verdict = Verdict::invalid;
  }
}

// The first of them in words, and how many more there are.
std::string and_more(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return {};
  if (reasons.size() == 1) return reasons.front();
  return fmt::format("{} (and {} more)", reasons.front(), reasons.size() - 1);
}

std::string sentence_of(const CapacityReport& report) {
  std::vector<std::string> failures, doubts, consequences;
  for (const Check& check : report.checks) {
    if (check.holds) continue;
    // It fails a run only beside a target that was missed.
    const bool is_consequence = check.is_failure && check.name == drained_name;
    (is_consequence     ? consequences
     : check.is_failure ? failures
                        : doubts)
        .push_back(check.sentence);
  }
  const auto add_targets = [&](Verdict verdict, std::vector<std::string>& reasons) {
    for (const TargetResult& result : report.targets)
      if (result.verdict == verdict) reasons.push_back(result.target.name + ": " + result.sentence);
  };
  switch (report.verdict) {
    case Verdict::pass:
      return fmt::format("{} {} met, at 99% confidence", report.targets.size() == 1 ? "the" : "all",
                         report.targets.size() == 1
                             ? "target is"
                             : fmt::format("{} targets are", report.targets.size()));
    case Verdict::fail: {
      const std::string doubt =
          doubts.empty() ? "" : "; besides, the run is invalid: " + and_more(doubts);
      add_targets(Verdict::fail, failures);
      std::ranges::move(consequences, std::back_inserter(failures));
      return and_more(failures) + doubt;
    }
    case Verdict::invalid:
      return and_more(doubts);
    case Verdict::inconclusive:
      break;
  }
  std::vector<std::string> open;
  add_targets(Verdict::inconclusive, open);
  return report.targets.empty() ? "no targets were set" : and_more(open);
}

}  // namespace

CapacityReport conclude(RunRecord run, const std::vector<Target>& targets) {
  CapacityReport report;
  report.run = std::move(run);
  const RunRecord& seen = report.run;
  const std::vector<MeasuredPhase> phases = measured_phases(seen);
  const std::vector<const Arrival*> arrivals = arrivals_of(phases);

  report.conservation = conserve(seen);
  report.steps = load_steps(seen, phases);
  if (is_sweep(report.steps)) report.knee = knee_of(report.steps);
  report.backlog_slope = backlog_slope(report.steps);
  report.daily = daily_capacity(seen, phases, report.steps, daily_target(targets));
  report.size_fit = size_fit(phases);

  const std::vector<MeasuredPhase> judged = judged_phases(phases, report.steps);
  for (const Target& target : targets)
    report.targets.push_back(judge_target(target, seen, judged, report.daily));
  report.checks = validity_checks(seen, judged, report.steps, report.conservation, report.targets);

  report.stages = stage_shares(judged);
  report.resources = resources_of(seen, phases);
  report.bound_by = bound_by(seen, phases, report.resources);
  report.quantiles = quantile_curve(arrivals, report.run.destination != "engine");
  report.errors = count_errors(seen);
  report.slowest = slowest_of(arrivals);

  report.is_valid =
      std::ranges::all_of(report.checks,
                          [](const Check& check) { return check.holds || check.is_failure; }) &&
      std::ranges::find(report.targets, Verdict::invalid, &TargetResult::verdict) ==
          report.targets.end();
  if (!report.is_valid) take_back_verdicts(report);
  report.verdict = verdict_of(report);
  report.sentence = sentence_of(report);
  return report;
}

}  // namespace penstock
