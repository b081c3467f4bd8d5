#include "reports/validity.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "reports/format.h"
#include "reports/knee.h"
#include "reports/statistics.h"
#include "reports/verdicts.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;
using Phases = std::vector<MeasuredPhase>;

// Parts of what is there. Above these a generator begins to measure itself.
constexpr double generator_cpu_max = 0.8;
constexpr double descriptors_part_max = 0.9;
constexpr double steal_max = 0.1;
constexpr double busy_before_max = 0.25;
// Of the tightest target: how late p99 of the uploads may be issued; and how late timers may be,
// but for one sample in a hundred.
constexpr double delay_max = 0.1;
constexpr double sample_gap_max_s = 5;

std::string percent(double part) {
  return fmt::format("{:.1f}%", 100 * part);
}

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

// Of targets that are times. Absent: none is.
std::optional<double> tightest_limit(const std::vector<TargetResult>& results, bool with_uploads) {
  std::optional<double> tightest;
  for (const TargetResult& result : results) {
    const Measure measure = result.target.measure;
    if (is_time(measure) && (measure != Measure::upload || with_uploads))
      tightest = std::min(tightest.value_or(result.target.limit), result.target.limit);
  }
  return tightest;
}

// Of the phase in which it is most, while the generator has to do.
std::optional<double> worst_mean(const RunRecord& run, const Phases& phases,
                                 const std::function<std::optional<double>(const Sample&)>& what) {
  std::optional<double> worst;
  for (const MeasuredPhase& phase : phases)
    if (const auto value = mean_in(run.samples, phase.plan->begin, phase.answered, what))
      worst = std::max(worst.value_or(0), *value);
  return worst;
}

Check whole_run(const RunRecord& run) {
  return {"whole run", run.interrupted.empty(), run.interrupted.empty() ? "yes" : "no", "yes",
          "it was broken off: " + run.interrupted};
}

Check warm_up(const RunRecord& run) {
  const auto phase = std::ranges::find_if(run.phases, &PhaseRecord::is_warm_up);
  const bool holds = phase != run.phases.end() && phase == run.phases.begin();
  return {"warm-up", holds,
          holds ? time_text(in_seconds(phase->end - phase->begin)) + ", left out" : "none",
          "before all else",
          "the first documents pay for what is set up once; begin with a phase that is warm_up"};
}

Check quiet_before(const RunRecord& run) {
  const double limit = busy_before_max * run.environment.cores;
  return {"quiet before", run.environment.load_before <= limit,
          fmt::format("{:.2f} cores busy", run.environment.load_before),
          fmt::format("{:.2f} of {}", limit, run.environment.cores),
          "something else was at work before the run began, and shared the machine with it"};
}

Check dropped_arrivals(const Conservation& conservation) {
  return {"dropped arrivals", conservation.dropped == 0,
          fmt::format("{} of {}", with_commas(conservation.dropped),
                      with_commas(conservation.intended)),
          "none",
          "what was due was never sent, so that the system had less load than the report says; "
          "give the generator more connections or another machine"};
}

// Of one that can only make documents look slower than they were.
Check sparing_misses(Check check) {
  check.spares_misses = true;
  return check;
}

Check issue_delay(const RunRecord& run, const Phases& phases,
                  const std::optional<double>& tightest) {
  std::vector<double> delays;
  for (const Arrival* arrival : arrivals_of(phases))
    if (arrival->issued) delays.push_back(in_seconds(*arrival->issued - arrival->intended));
  std::ranges::sort(delays);
  const double p99 = quantile(delays, 0.99).value.value_or(0);
  const double limit = delay_max * tightest.value_or(0);
  // What waits for a connection waits for the system.
  const bool is_limited = tightest && !run.connections_wait;
  return {"issue delay", !is_limited || p99 <= limit, "p99 " + time_text(p99),
          is_limited ? time_text(limit) : "not limited",
          "uploads left the generator late, over a tenth of the tightest target: what they waited "
          "for was not the system"};
}

Check generator_cpu(const RunRecord& run, const Phases& phases) {
  const double used =
      worst_mean(run, phases, [](const Sample& s) { return s.generator_cpu_cores; }).value_or(0);
  const double part = run.generator_cores > 0 ? used / run.generator_cores : 0;
  // What else its process uses is an engine's, then.
  const char* const of_what = run.destination == "engine" ? " of its thread" : "";
  return {"generator CPU", part <= generator_cpu_max, percent(part) + of_what,
          percent(generator_cpu_max),
          "the generator was short of CPU and measured itself; load less, or from another machine"};
}

Check timers(const RunRecord& run, const Phases& phases, const std::optional<double>& tightest) {
  const double limit = delay_max * tightest.value_or(0);
  std::size_t looks = 0, late = 0;
  for (const MeasuredPhase& phase : phases)
    for (const Sample& sample : run.samples) {
      if (sample.at <= phase.plan->begin || sample.at > phase.answered) continue;
      ++looks;
      late += tightest && in_seconds(sample.timer_lag) > limit ? 1 : 0;
    }
  // One may be: a machine that others use too stops now and then.
  const std::size_t late_max = std::max<std::size_t>(1, looks / 100);
  return {"timers", late <= late_max,
          fmt::format("{} of {} late", with_commas(late), counted(looks, "sample")),
          with_commas(late_max),
          "the generator woke up late, over a tenth of the tightest target: it did not get the CPU "
          "when it needed it"};
}

Check stolen_cpu(const RunRecord& run, const Phases& phases) {
  const double stolen =
      worst_mean(run, phases, [](const Sample& s) { return s.steal; }).value_or(0);
  return {"stolen CPU", stolen <= steal_max, percent(stolen), percent(steal_max),
          "the machine's host gave its CPU to others; repeat when it is quiet"};
}

Check descriptors(const RunRecord& run) {
  std::uint64_t most = 0;
  for (const Sample& sample : run.samples) most = std::max(most, sample.generator_descriptors);
  const double limit = descriptors_part_max * static_cast<double>(run.descriptors_max);
  return {"descriptors", run.descriptors_max == 0 || static_cast<double>(most) <= limit,
          with_commas(most),
          run.descriptors_max == 0 ? "not limited" : with_commas(static_cast<std::uint64_t>(limit)),
          "the generator was about to have no more open files; raise ulimit -n"};
}

// Nobody watched a generator's health between samples that are far apart.
Check samples(const RunRecord& run) {
  Offset last{0}, gap{0};
  for (const Sample& sample : run.samples) {
    gap = std::max(gap, sample.at - last);
    last = sample.at;
  }
  gap = std::max(gap, run.ended - last);
  return {
      "samples", in_seconds(gap) <= sample_gap_max_s && !run.samples.empty(),
      fmt::format("{}, {} apart at most", with_commas(run.samples.size()),
                  time_text(in_seconds(gap))),
      time_text(sample_gap_max_s) + " apart",
      "generator and system were not watched all the time, so nothing says that they were well"};
}

Check clocks(const RunRecord& run, const std::vector<TargetResult>& results) {
  const auto tightest = tightest_limit(results, false);
  const double doubt = in_seconds(run.clock.doubt);
  return {"clocks", !tightest || doubt <= doubt_max * *tightest, "doubt of " + time_text(doubt),
          tightest ? time_text(doubt_max * *tightest) : "not limited",
          "the system's clock is known too badly to judge by it; synchronise the machines"};
}

// What is in flight may yet be lost, so that a pass would depend on it. A target that was missed
// was missed whatever becomes of it, if the run could measure at all.
Check drained(const RunRecord& run, const Conservation& conservation,
              const std::vector<TargetResult>& results, bool is_measured) {
  Check check{drained_name, run.is_drained && conservation.in_flight == 0,
              fmt::format("{} in flight", with_commas(conservation.in_flight)), "none",
              fmt::format("the run stopped waiting with {} in flight; give it more time "
                          "(drain_max)",
                          counted(conservation.in_flight, "document"))};
  check.is_failure = is_measured && std::ranges::any_of(results, [](const TargetResult& result) {
                       return result.verdict == Verdict::fail;
                     });
  return check;
}

// Latencies under a backlog that grows are those of the run's length. Of a sweep the upper steps
// are to be too much; the lowest is not. What was refused does not wait: `upload` counts it.
Check backlog(const std::vector<LoadStep>& steps, bool is_measured) {
  const auto worst = std::ranges::find(steps, true, &LoadStep::is_growing);
  const bool holds = worst == steps.end() || (is_sweep(steps) && !steps.front().is_growing);
  Check check{"backlog", holds, "does not grow", "kept up", ""};
  if (steps.empty()) check.value = "no steady phase";
  if (!holds) {
    check.value = fmt::format("{:+.2f} documents/s", worst->backlog_slope);
    check.sentence = fmt::format(
        "the system does not keep up with {} documents/s: it took {}, and the rest waits",
        human_rate(worst->offered), human_rate(worst->finished));
  }
  check.is_failure = is_measured;
  return check;
}

Check conserved(const Conservation& c) {
  Check check{"conservation", c.accepted == c.done + c.failed + c.in_flight + c.lost,
              fmt::format("{} = {} done + {} failed + {} in flight", with_commas(c.accepted),
                          with_commas(c.done), with_commas(c.failed), with_commas(c.in_flight)),
              "all that was accepted", "documents were accepted and are accounted to no end"};
  check.is_failure = true;
  return check;
}

Check lost(const RunRecord& run, const Conservation& conservation) {
  Check check{
      "none lost", conservation.lost == 0, with_commas(conservation.lost), "none",
      counted(conservation.lost, "accepted document") + " unknown to the system afterwards"};
  const auto first = std::ranges::find(run.arrivals, Ending::lost, &Arrival::ending);
  if (first != run.arrivals.end())
    check.sentence +=
        fmt::format("{}: document {} ({})", conservation.lost > 1 ? ", the first" : "",
                    first->number, printable(first->id));
  check.is_failure = true;
  return check;
}

Check twice(const Conservation& conservation) {
  Check check{"none twice", conservation.twice == 0, with_commas(conservation.twice), "none",
              counted(conservation.twice, "document") + " stored twice"};
  check.is_failure = true;
  return check;
}

// An upload whose answer did not arrive may have been accepted all the same.
Check unknown_documents(const RunRecord& run, const Conservation& conservation) {
  Check check{"none unknown", run.unknown <= conservation.broken, with_commas(run.unknown),
              conservation.broken == 0 ? "none" : counted(conservation.broken, "broken upload"),
              counted(run.unknown, "document") + " in the system that nobody sent"};
  check.is_failure = true;
  return check;
}

Check content(const RunRecord& run) {
  const ContentCheck& seen = run.content;
  Check check{"content", seen.wrong == 0,
              seen.checked == 0 ? "not checked"
                                : fmt::format("{} of {} wrong", with_commas(seen.wrong),
                                              with_commas(seen.checked)),
              "none wrong", "what is stored is not what was sent: " + seen.first_wrong};
  check.is_failure = true;
  return check;
}

Check findings(const RunRecord& run) {
  Check check{"ledger and store", run.findings.empty(), counted(run.findings.size(), "finding"),
              "none", run.findings.empty() ? "" : run.findings.front()};
  check.is_failure = true;
  return check;
}

}  // namespace

Conservation conserve(const RunRecord& run) {
  Conservation sums;
  sums.twice = run.stored_twice;
  for (const Arrival& arrival : run.arrivals) {
    ++sums.intended;
    sums.accepted += arrival.accepted ? 1 : 0;
    switch (arrival.ending) {
      case Ending::done:
        ++sums.done;
        break;
      case Ending::failed:
        ++sums.failed;
        break;
      case Ending::refused:
        ++sums.refused;
        break;
      case Ending::broken:
        ++sums.broken;
        break;
      case Ending::dropped:
        ++sums.dropped;
        break;
      case Ending::in_flight:
        ++sums.in_flight;
        break;
      case Ending::lost:
        ++sums.lost;
        break;
    }
  }
  sums.holds = sums.accepted == sums.done + sums.failed + sums.in_flight && sums.lost == 0 &&
               sums.twice == 0;
  return sums;
}

std::vector<Check> validity_checks(const RunRecord& run, const std::vector<MeasuredPhase>& phases,
                                   const std::vector<LoadStep>& steps,
                                   const Conservation& conservation,
                                   const std::vector<TargetResult>& results) {
  const auto tightest = tightest_limit(results, true);
  const Check whole = whole_run(run);
  std::vector<Check> of_run = {dropped_arrivals(conservation),
                               sparing_misses(issue_delay(run, phases, tightest)),
                               sparing_misses(generator_cpu(run, phases)),
                               sparing_misses(timers(run, phases, tightest)),
                               sparing_misses(stolen_cpu(run, phases)),
                               descriptors(run),
                               samples(run),
                               clocks(run, results),
                               warm_up(run),
                               quiet_before(run)};
  const bool is_measured = whole.holds && std::ranges::all_of(of_run, &Check::holds);
  std::vector<Check> checks = {lost(run, conservation),
                               twice(conservation),
                               content(run),
                               unknown_documents(run, conservation),
                               findings(run),
                               conserved(conservation),
                               whole,
                               sparing_misses(backlog(steps, is_measured)),
                               sparing_misses(drained(run, conservation, results, is_measured))};
  checks.insert(checks.end(), of_run.begin(), of_run.end());
  return checks;
}

}  // namespace penstock
