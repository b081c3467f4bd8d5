#include "reports/lateness.h"

#include <algorithm>

#include "reports/capacity_report.h"
#include "test/support/catch.h"
#include "test/support/run_records.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

// A burst after all of the warm-up has ended. Uploads take between 0.8 and 1.2 times as long, and
// up to half a second more.
RunRecord burst(double upload_s) {
  return run_of({.name = "burst",
                 .phases = {{"warm-up", 5, 40, true, 8}, {"burst", 0, 1'000, false, 8}},
                 .upload_s = upload_s});
}

Offset begin_of(const RunRecord& run) {
  return run.arrivals.back().intended;
}

// Of the samples within so long after the burst came.
template <typename Change>
void change_samples(RunRecord& run, Offset length, Change change) {
  for (Sample& sample : run.samples)
    if (sample.at > begin_of(run) && sample.at <= begin_of(run) + length) change(sample);
}

CapacityReport judged(const RunRecord& run) {
  return conclude(run, {{"upload", Measure::upload, 2, 0.99, ""}});
}

TEST_CASE("lateness: a target that is missed by far more is missed") {
  RunRecord run = burst(4);
  change_samples(run, 2s, [](Sample& sample) { sample.timer_lag = sample.timers_late = 300ms; });
  const CapacityReport report = judged(run);
  CHECK(report.verdict == Verdict::fail);
  CHECK_FALSE(report.is_valid);
  CHECK(report.targets[0].verdict == Verdict::fail);
  CHECK(report.targets[0].misses == 1'000);
  CHECK_THAT(report.sentence,
             ContainsSubstring("upload: p99 5.75 s, limit 2 s: 1,000 of 1,000 missed, 2 may; 1,000 "
                               "by more than generator and host were late; besides, the run is "
                               "invalid: the generator woke up late"));
}

TEST_CASE("lateness: a target that may be missed by it alone is not") {
  RunRecord run = burst(4);
  change_samples(run, 6s, [](Sample& sample) {
    sample.timer_lag = 300ms;
    sample.timers_late = 900ms;
  });
  const CapacityReport report = judged(run);
  CHECK(report.verdict == Verdict::invalid);
  CHECK(report.targets[0].verdict == Verdict::invalid);
  CHECK(report.targets[0].misses == 1'000);
  CHECK_THAT(report.targets[0].sentence, !ContainsSubstring("by more than"));
}

TEST_CASE("lateness: each kind of it is taken off") {
  const auto verdict_with = [](auto change) {
    RunRecord run = burst(4);
    change(run);
    return judged(run).verdict;
  };
  const auto issue_late = [&](Offset delay) {
    return verdict_with([&](RunRecord& run) {
      for (std::size_t i = 40; i < run.arrivals.size(); ++i)
        run.arrivals[i].issued = run.arrivals[i].intended + delay;
    });
  };
  CHECK(issue_late(1s) == Verdict::fail);
  CHECK(issue_late(4s) == Verdict::invalid);
  // Of two cores, for the six seconds until the last was answered.
  const auto steal = [&](double part) {
    return verdict_with([&](RunRecord& run) {
      change_samples(run, 7s, [&](Sample& sample) { sample.steal = part; });
    });
  };
  CHECK(steal(0.12) == Verdict::fail);
  CHECK(steal(0.4) == Verdict::invalid);
  // It works more than it may, but is not late.
  CHECK(verdict_with([](RunRecord& run) {
          change_samples(run, 7s, [](Sample& sample) { sample.generator_cpu_cores = 0.95; });
        }) == Verdict::fail);
}

TEST_CASE("lateness: what came before nothing was under way does not count") {
  RunRecord run = burst(4);
  for (Sample& sample : run.samples)
    if (sample.at < begin_of(run)) sample.timer_lag = sample.timers_late = 60s;
  change_samples(run, 2s, [](Sample& sample) { sample.timer_lag = 300ms; });
  CHECK(judged(run).verdict == Verdict::fail);
  // As long as a document of the warm-up is at work, it does.
  run.arrivals.front().done = begin_of(run) + 1s;
  CHECK(judged(run).verdict == Verdict::invalid);
}

TEST_CASE("lateness: it makes no target met") {
  RunRecord run = burst(0.1);
  CHECK(judged(run).verdict == Verdict::pass);
  change_samples(run, 2s, [](Sample& sample) { sample.steal = 0.5; });
  CHECK(judged(run).verdict == Verdict::invalid);
}

TEST_CASE("lateness: what was refused may have come too close together") {
  RunRecord run = burst(0.1);
  for (Arrival& arrival : run.arrivals) {
    if (arrival.number % 10 != 0) continue;
    arrival.accepted.reset();
    arrival.done.reset();
    arrival.ending = Ending::refused;
  }
  CHECK(judged(run).verdict == Verdict::fail);
  change_samples(run, 2s, [](Sample& sample) { sample.steal = 0.5; });
  CHECK(judged(run).verdict == Verdict::invalid);
}

TEST_CASE("lateness: what is still in flight is as old as it is") {
  const auto verdict_with = [](double steal) {
    RunRecord run = burst(0.1);
    for (std::size_t i = 0; i < run.arrivals.size(); i += 10) {
      run.arrivals[i].done.reset();
      run.arrivals[i].ending = Ending::in_flight;
    }
    run.ended = begin_of(run) + 7s;
    run.is_drained = false;
    change_samples(run, 2s, [&](Sample& sample) { sample.steal = steal; });
    return conclude(run, {{"done", Measure::done, 3, 0.99, ""}}).verdict;
  };
  CHECK(verdict_with(0.2) == Verdict::fail);
  CHECK(verdict_with(1) == Verdict::invalid);
}

TEST_CASE("lateness: nothing else that is wrong with a run can be taken off") {
  const auto verdict_with = [](auto change) {
    RunRecord run = burst(4);
    change(run);
    return judged(run).verdict;
  };
  CHECK(verdict_with([](RunRecord& run) { run.interrupted = "Ctrl-C"; }) == Verdict::invalid);
  CHECK(verdict_with([](RunRecord& run) { run.environment.load_before = 2; }) == Verdict::invalid);
  CHECK(verdict_with([](RunRecord& run) {
          Arrival& dropped = run.arrivals[500];
          dropped.issued.reset();
          dropped.accepted.reset();
          dropped.ending = Ending::dropped;
        }) == Verdict::invalid);
}

}  // namespace
}  // namespace penstock
