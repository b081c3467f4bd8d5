#include "reports/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reports/format.h"
#include "reports/knee.h"
#include "reports/lateness.h"
#include "reports/statistics.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double never = std::numeric_limits<double>::infinity();

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

// Of the moment that a measure ends with.
std::optional<Offset> end_of(Measure measure, const Arrival& arrival) {
  if (measure == Measure::start) return arrival.started;
  if (measure == Measure::upload) return arrival.accepted;
  return arrival.ending == Ending::done ? arrival.done : std::nullopt;
}

bool is_subject(Measure measure, const Arrival& arrival) {
  return measure == Measure::upload ? arrival.ending != Ending::dropped
                                    : arrival.accepted.has_value();
}

std::string limit_text(const Target& target) {
  return fmt::format("{:.6g} s", target.limit);
}

std::string percentile(double fraction) {
  return fmt::format("p{:.6g}", 100 * fraction);
}

TargetResult judge_times(const Target& target, const RunRecord& run,
                         const std::vector<MeasuredPhase>& phases) {
  TargetResult result{target};
  const Times times = times_against(target, run, arrivals_of(phases));
  const Budget budget = judge(times.sorted.size(), times.misses, times.open, target.fraction);
  const Interval interval = quantile(times.sorted, target.fraction);
  result.value = interval.value;
  result.value_low = interval.low;
  result.value_high = interval.high;
  result.documents = times.sorted.size();
  result.misses = times.misses;
  result.misses_allowed = budget.misses_allowed;
  result.more_needed = budget.more_needed;
  result.misses_anyway = times.misses_anyway;
  result.is_missed_anyway =
      judge(result.documents, times.misses_anyway, 0, target.fraction).judgement ==
      Judgement::missed;

  const double doubt = target.measure == Measure::upload ? 0 : in_seconds(run.clock.doubt);
  if (doubt > doubt_max * target.limit) {
    result.verdict = Verdict::invalid;
    result.sentence =
        fmt::format("the clocks differ by {} more or less, over a tenth of the limit of {}",
                    time_text(doubt), limit_text(target));
    return result;
  }
  if (result.documents == 0) {
    result.sentence =
        target.kind.empty() ? "no document came so far" : "no document of this kind came so far";
    return result;
  }
  std::string value = percentile(target.fraction) + ' ';
  value += result.value                        ? time_text(*result.value)
           : target.measure == Measure::upload ? "was not accepted"
                                               : "did not end";
  value += ", limit " + limit_text(target);
  const std::string missed =
      fmt::format("{} of {} missed", with_commas(result.misses), with_commas(result.documents));
  const std::string open =
      times.open == 0 ? "" : fmt::format(", {} are open", with_commas(times.open));
  switch (budget.judgement) {
    case Judgement::kept:
      result.verdict = Verdict::pass;
      result.sentence =
          fmt::format("{}: {}, {} may{}", value, missed, with_commas(result.misses_allowed), open);
      break;
    case Judgement::missed:
      result.verdict = Verdict::fail;
      result.sentence =
          fmt::format("{}: {}, {} may{}", value, missed, with_commas(result.misses_allowed), open);
      break;
    case Judgement::undecided:
      result.sentence = fmt::format("{}: {}{}; needs {} without a miss", value, missed, open,
                                    counted(result.more_needed, "more document"));
      break;
  }
  return result;
}

TargetResult judge_daily(const Target& target, const std::optional<Daily>& daily) {
  TargetResult result{target};
  if (!daily) {
    result.sentence =
        "too short to tell: a steady minute with 100 documents would, or a burst of as many";
    return result;
  }
  result.value = daily->documents;
  result.value_low = daily->low;
  result.value_high = daily->high;
  if (daily->low >= target.limit)
    result.verdict = Verdict::pass;
  else if (daily->high && *daily->high < target.limit)
    result.verdict = Verdict::fail;
  result.sentence = fmt::format("{} a day, target {}: {}", range_of(*daily),
                                with_commas(static_cast<std::uint64_t>(target.limit)), daily->how);
  return result;
}

struct Peak {
  std::uint64_t offered = 0;   // under way at the same moment
  std::uint64_t accepted = 0;  // of those that were accepted in the end
};

std::uint64_t most_at_once(std::vector<std::pair<Offset, int>>& changes) {
  // An end before a beginning at the same moment: what ended is not under way.
  std::ranges::sort(changes);
  std::int64_t now = 0, most = 0;
  for (const auto& [at, change] : changes) most = std::max(most, now += change);
  return static_cast<std::uint64_t>(most);
}

// From intended to answered, as users have it who press the button together.
Peak peak_of(const std::vector<const Arrival*>& burst) {
  std::vector<std::pair<Offset, int>> all, accepted;
  for (const Arrival* arrival : burst) {
    if (!arrival->issued) continue;
    // What was broken has no answer, and was under way at least for its first moment.
    const Offset end = arrival->answered.value_or(arrival->intended + Offset{1});
    for (auto* changes : {&all, &accepted}) {
      if (changes == &accepted && !arrival->accepted) continue;
      changes->emplace_back(arrival->intended, 1);
      changes->emplace_back(std::max(end, arrival->intended + Offset{1}), -1);
    }
  }
  return {most_at_once(all), most_at_once(accepted)};
}

TargetResult judge_concurrent(const Target& target, const std::vector<MeasuredPhase>& phases) {
  TargetResult result{target};
  const auto limit = static_cast<std::uint64_t>(std::ceil(target.limit));
  std::uint64_t bursts = 0, worst = std::numeric_limits<std::uint64_t>::max(), most = 0;
  for (const MeasuredPhase& phase : phases)
    for (const auto& burst :
         groups_of(phase.arrivals, [](const Arrival& arrival) { return arrival.answered; })) {
      const Peak peak = peak_of(burst);
      most = std::max(most, peak.offered);
      if (peak.offered < limit) continue;
      ++bursts;
      result.documents += peak.offered;
      result.misses += peak.offered - peak.accepted;
      worst = std::min(worst, peak.accepted);
    }
  if (bursts == 0) {
    result.value = static_cast<double>(most);
    result.sentence = fmt::format("at most {} at once: the load has no burst of {}",
                                  counted(most, "upload"), with_commas(limit));
    return result;
  }
  result.value = static_cast<double>(worst);
  result.verdict = worst >= limit ? Verdict::pass : Verdict::fail;
  result.sentence =
      fmt::format("{} of {} uploads at once were accepted, in {}{}", with_commas(worst),
                  with_commas(limit), bursts == 1 ? "" : "each of ", counted(bursts, "burst"));
  if (result.verdict == Verdict::fail && bursts > 1)
    result.sentence = fmt::format("{} of {} uploads at once were accepted in the worst of {}",
                                  with_commas(worst), with_commas(limit), counted(bursts, "burst"));
  return result;
}

// The most of what samples tell, from the end of the warm-up on.
TargetResult judge_most(const Target& target, const RunRecord& run,
                        const std::vector<MeasuredPhase>& phases) {
  TargetResult result{target};
  const Offset begin = phases.empty() ? Offset{0} : phases.front().plan->begin;
  for (const Sample& sample : run.samples) {
    const auto seen =
        target.measure == Measure::memory ? sample.system_memory : sample.system_descriptors;
    if (seen && sample.at > begin)
      result.value = std::max(result.value.value_or(0), static_cast<double>(*seen));
  }
  if (!result.value) {
    result.sentence = "the system's processes are not to be seen from here";
    return result;
  }
  result.verdict = *result.value <= target.limit ? Verdict::pass : Verdict::fail;
  const auto amount = [&](double value) {
    const auto whole = static_cast<std::uint64_t>(value);
    return target.measure == Measure::memory ? human_bytes(whole) : counted(whole, "open file");
  };
  result.sentence =
      fmt::format("{} at most, limit {}", amount(*result.value), amount(target.limit));
  return result;
}

}  // namespace

Times times_against(const Target& target, const RunRecord& run,
                    const std::vector<const Arrival*>& arrivals) {
  const double doubt = target.measure == Measure::upload ? 0 : in_seconds(run.clock.doubt);
  const Lateness lateness(run);
  Times times;
  for (const Arrival* arrival : arrivals) {
    if (!is_subject(target.measure, *arrival)) continue;
    if (!target.kind.empty() && run.kinds[arrival->kind].name != target.kind) continue;
    if (const std::optional<Offset> end = end_of(target.measure, *arrival)) {
      const double time = in_seconds(*end - arrival->intended);
      times.sorted.push_back(time);
      if (doubt > 0 && std::abs(time - target.limit) <= doubt)
        ++times.open;
      else if (time > target.limit)
        ++times.misses;
      times.misses_anyway += time - doubt - lateness.of(*arrival, *end) > target.limit ? 1 : 0;
      continue;
    }
    times.sorted.push_back(never);
    const bool is_in_flight = arrival->ending == Ending::in_flight;
    const double age = in_seconds(run.ended - arrival->intended);
    ++(is_in_flight && age <= target.limit ? times.open : times.misses);
    if (is_in_flight && age - lateness.of(*arrival, run.ended) > target.limit)
      ++times.misses_anyway;
  }
  std::ranges::sort(times.sorted);
  return times;
}

TargetResult judge_target(const Target& target, const RunRecord& run,
                          const std::vector<MeasuredPhase>& phases,
                          const std::optional<Daily>& daily) {
  switch (target.measure) {
    case Measure::documents_per_day:
      return judge_daily(target, daily);
    case Measure::concurrent:
      return judge_concurrent(target, phases);
    case Measure::memory:
    case Measure::descriptors:
      return judge_most(target, run, phases);
    case Measure::upload:
    case Measure::start:
    case Measure::done:
      break;
  }
  return judge_times(target, run, phases);
}

}  // namespace penstock
