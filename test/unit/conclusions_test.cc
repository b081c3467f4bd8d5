#include <algorithm>

#include "reports/capacity_report.h"
#include "reports/knee.h"
#include "test/support/catch.h"
#include "test/support/run_records.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

CapacityReport concluded(RunRecord run) {
  return conclude(std::move(run), mission_targets());
}

const TargetResult& target(const CapacityReport& report, const std::string& name) {
  return *std::ranges::find(report.targets, name,
                            [](const TargetResult& result) { return result.target.name; });
}

// Names of checks that do not hold.
std::vector<std::string> broken(const CapacityReport& report) {
  std::vector<std::string> names;
  for (const Check& check : report.checks)
    if (!check.holds) names.push_back(check.name);
  return names;
}

using Names = std::vector<std::string>;

Arrival& measured(RunRecord& run, std::size_t number = 100) {
  return run.arrivals[number];
}

TEST_CASE("verdict: a run within its targets passes and one beyond them fails") {
  CHECK(concluded(passing_run()).verdict == Verdict::pass);
  const CapacityReport failed = concluded(failing_run());
  CHECK(failed.verdict == Verdict::fail);
  CHECK(failed.is_valid);
  CHECK(target(failed, "start").verdict == Verdict::fail);
}

TEST_CASE("verdict: five documents are inconclusive and say how many more are needed") {
  const CapacityReport report = concluded(inconclusive_run());
  CHECK(report.verdict == Verdict::inconclusive);
  CHECK(target(report, "upload").more_needed == 454);
  CHECK(target(report, "documents a day").verdict == Verdict::inconclusive);
}

TEST_CASE("verdict: a starved generator makes the run invalid and nothing in it passes or fails") {
  const CapacityReport report = concluded(invalid_run());
  CHECK(report.verdict == Verdict::invalid);
  CHECK_FALSE(report.is_valid);
  CHECK(broken(report) ==
        Names{"dropped arrivals", "issue delay", "generator CPU", "timers", "stolen CPU"});
  for (const TargetResult& result : report.targets) CHECK(result.verdict == Verdict::invalid);
}

TEST_CASE("verdict: a lost document fails the run even if it is invalid") {
  RunRecord run = passing_run();
  Arrival& gone = measured(run);
  gone.ending = Ending::lost;
  gone.done.reset();
  gone.id = "gone";
  const std::string sentence = "1 accepted document unknown to the system afterwards: document " +
                               std::to_string(gone.number) + " (gone)";
  CapacityReport report = concluded(run);
  CHECK(report.verdict == Verdict::fail);
  CHECK(report.is_valid);
  CHECK_FALSE(report.conservation.holds);
  CHECK(report.sentence == sentence);
  run.environment.load_before = 2;
  report = concluded(run);
  CHECK(report.verdict == Verdict::fail);
  CHECK_FALSE(report.is_valid);
}

TEST_CASE("conclude: an engine has no uploads so that its curve is of whole documents") {
  RunRecord run = passing_run();
  const CapacityReport service = concluded(run);
  run.destination = "engine";
  const CapacityReport engine = concluded(run);
  const auto of_median = [](const CapacityReport& report) {
    return std::ranges::find(report.quantiles, 0.5, &QuantilePoint::fraction)->from_intended_s;
  };
  CHECK(of_median(engine) > of_median(service));
}

TEST_CASE("verdict: duplicates and wrong content and findings fail the run") {
  const auto check = [](auto change, const std::string& name) {
    RunRecord run = passing_run();
    change(run);
    const CapacityReport report = concluded(run);
    CHECK(report.verdict == Verdict::fail);
    CHECK(broken(report) == Names{name});
  };
  check([](RunRecord& run) { run.stored_twice = 1; }, "none twice");
  check([](RunRecord& run) { run.content.wrong = 1; }, "content");
  check([](RunRecord& run) { run.unknown = 1; }, "none unknown");
  check([](RunRecord& run) { run.findings = {"d-000007: a vector too many"}; }, "ledger and store");
}

TEST_CASE("verdict: what speaks against a measurement makes it invalid by name") {
  const auto check = [](auto change, const std::string& name) {
    RunRecord run = passing_run();
    change(run);
    const CapacityReport report = concluded(run);
    CHECK(report.verdict == Verdict::invalid);
    CHECK(broken(report) == Names{name});
  };
  const auto all_samples = [](auto change) {
    return [change](RunRecord& run) { std::ranges::for_each(run.samples, change); };
  };
  check([](RunRecord& run) { run.interrupted = "Ctrl-C"; }, "whole run");
  check([](RunRecord& run) { run.phases[0].is_warm_up = false; }, "warm-up");
  check([](RunRecord& run) { run.environment.load_before = 0.51; }, "quiet before");
  check([](RunRecord& run) { run.clock.doubt = 1001ms; }, "clocks");
  check([](RunRecord& run) { run.descriptors_max = 1'100; }, "descriptors");
  check(
      [](RunRecord& run) { run.samples.erase(run.samples.begin() + 60, run.samples.begin() + 65); },
      "samples");
  check([](RunRecord& run) { run.samples.clear(); }, "samples");
  check(all_samples([](Sample& sample) { sample.generator_cpu_cores = 0.81; }), "generator CPU");
  check(all_samples([](Sample& sample) { sample.steal = 0.11; }), "stolen CPU");
  check(all_samples([](Sample& sample) { sample.timer_lag = 201ms; }), "timers");
  check(
      [](RunRecord& run) {
        measured(run) = {};
        measured(run).phase = 1;
        measured(run).ending = Ending::dropped;
      },
      "dropped arrivals");
  check(
      [](RunRecord& run) {
        for (Arrival& arrival : run.arrivals)
          if (arrival.number % 50 == 0) arrival.intended -= 201ms;
      },
      "issue delay");
}

TEST_CASE("verdict: a single late timer is no reason to repeat a run") {
  RunRecord run = passing_run();
  run.samples[40].timer_lag = 1s;
  CHECK(concluded(run).verdict == Verdict::pass);
}

// The last documents of a passing run have not ended.
RunRecord undrained_run(std::uint64_t documents, Offset ended_after) {
  RunRecord run = passing_run();
  for (std::size_t i = run.arrivals.size() - documents; i < run.arrivals.size(); ++i) {
    run.arrivals[i].done.reset();
    run.arrivals[i].started.reset();
    run.arrivals[i].ending = Ending::in_flight;
  }
  run.is_drained = false;
  run.ended = run.arrivals.back().intended + ended_after;
  std::erase_if(run.samples, [&](const Sample& sample) { return sample.at > run.ended; });
  return run;
}

TEST_CASE("verdict: what is in flight at the end is open and misses once it is too old") {
  const CapacityReport early = concluded(undrained_run(100, 9s));
  CHECK(target(early, "start").misses == 0);
  CHECK(early.verdict == Verdict::invalid);
  CHECK(broken(early) == Names{"drained"});
  // 11 s is more than the 10 s that a start may take.
  const CapacityReport late = concluded(undrained_run(100, 11s));
  CHECK(target(late, "start").misses == 100);
  CHECK(target(late, "start").verdict == Verdict::fail);
  CHECK(late.verdict == Verdict::fail);
}

TEST_CASE("verdict: refused and broken uploads miss however fast they were") {
  RunRecord run = passing_run();
  for (std::size_t i = 100; i < 200; ++i) {
    Arrival& arrival = run.arrivals[i];
    arrival.ending = i % 2 == 0 ? Ending::refused : Ending::broken;
    arrival.accepted.reset();
    arrival.done.reset();
  }
  const CapacityReport report = concluded(run);
  CHECK(target(report, "upload").misses == 100);
  CHECK(target(report, "upload").verdict == Verdict::fail);
  CHECK(target(report, "start").documents == 3'100);
}

TEST_CASE("verdict: warm-up counts for conservation and for nothing else") {
  RunRecord run = passing_run();
  Arrival& first = run.arrivals.front();
  for (auto* time : {&first.accepted, &first.answered, &first.started, &first.done}) **time += 3s;
  const CapacityReport report = concluded(run);
  CHECK(target(report, "upload").misses == 0);
  CHECK(target(report, "upload").documents == 3'200);
  CHECK(report.conservation.intended == 3'240);
}

TEST_CASE("verdict: within the clocks' doubt of the limit a document is open") {
  RunRecord run = passing_run();
  run.clock.doubt = 500ms;
  for (std::size_t i = 100; i < 200; ++i)
    run.arrivals[i].started = run.arrivals[i].intended + 10200ms;
  CHECK(target(concluded(run), "start").misses == 0);
  CHECK(target(concluded(run), "start").verdict == Verdict::inconclusive);
  run.clock.doubt = 100ms;
  CHECK(target(concluded(run), "start").misses == 100);
}

TEST_CASE("verdict: concurrent uploads count from intended and all must be accepted") {
  CHECK(target(concluded(passing_run()), "concurrent uploads").value == 1'000);
  const CapacityReport failed = concluded(failing_run());
  CHECK(target(failed, "concurrent uploads").value == 960);
  CHECK(target(failed, "concurrent uploads").misses == 40);
  CHECK(target(concluded(sweep_run()), "concurrent uploads").verdict == Verdict::inconclusive);
}

TEST_CASE("verdict: of several bursts each must be accepted whole") {
  RunRecord run = run_of({"bursts", {{"warm-up", 5, 40, true, 1}, {"burst", 0, 1'000, false, 60}}});
  // The same again a minute later, in one phase.
  const std::size_t first = 40;
  const std::size_t all = run.arrivals.size();
  for (std::size_t i = first; i < all; ++i) {
    Arrival again = run.arrivals[i];
    again.number = run.arrivals.size();
    for (auto* time : {&again.issued, &again.accepted, &again.answered, &again.started,
                       &again.extracted, &again.embedded, &again.stored, &again.done})
      **time += 100s;
    again.intended += 100s;
    run.arrivals.push_back(again);
  }
  run.phases.back().end += 100s;
  run.ended += 100s;
  const std::vector<Target> targets = {{"at once", Measure::concurrent, 1'000, 0.99, {}}};
  CHECK(conclude(run, targets).targets[0].sentence ==
        "1,000 of 1,000 uploads at once were accepted, in each of 2 bursts");
  Arrival& refused = run.arrivals.back();
  refused.ending = Ending::refused;
  refused.accepted.reset();
  CHECK(conclude(run, targets).targets[0].sentence ==
        "999 of 1,000 uploads at once were accepted in the worst of 2 bursts");
}

TEST_CASE("verdict: memory and descriptors are the most after the warm-up") {
  RunRecord run = passing_run();
  const std::vector<Target> targets = {{"memory", Measure::memory, 300e6, 0.99, {}},
                                       {"descriptors", Measure::descriptors, 5'000, 0.99, {}}};
  run.samples[1].system_memory = 900'000'000;  // of the warm-up
  CapacityReport report = conclude(run, targets);
  CHECK(report.targets[0].verdict == Verdict::pass);
  CHECK(report.targets[1].verdict == Verdict::pass);
  run.samples.back().system_memory = 300'000'001;
  run.samples.back().system_descriptors = 5'001;
  report = conclude(run, targets);
  CHECK(report.targets[0].verdict == Verdict::fail);
  CHECK(report.targets[0].sentence == "300.0 MB at most, limit 300.0 MB");
  CHECK(report.targets[1].sentence == "5,001 open files at most, limit 5,000 open files");
  for (Sample& sample : run.samples) sample.system_memory.reset();
  report = conclude(run, targets);
  CHECK(report.targets[0].verdict == Verdict::inconclusive);
}

TEST_CASE("attribution: pauses between bursts are no work") {
  RunRecord run = run_of({"bursts", {{"warm-up", 5, 40, true, 1}, {"burst", 0, 1'000, false, 60}}});
  const Offset begin = run.phases.back().begin;
  Offset end{0};
  for (const Arrival& arrival : run.arrivals) end = std::max(end, *arrival.done);
  for (Sample& sample : run.samples)
    sample.system_cpu_cores = sample.at > begin && sample.at <= end ? run.system_cores : 0;
  Arrival late = run.arrivals.back();
  // Another burst, of one, long after.
  late.number = run.arrivals.size();
  for (auto* time : {&late.issued, &late.accepted, &late.answered, &late.started, &late.extracted,
                     &late.embedded, &late.stored, &late.done})
    **time += 50s;
  late.intended += 50s;
  run.arrivals.push_back(late);
  CHECK_THAT(concluded(run).bound_by, ContainsSubstring("bound by CPU ("));
}

TEST_CASE("capacity: a sweep finds the knee and judges latencies up to it") {
  const CapacityReport report = concluded(sweep_run());
  CHECK(report.knee == 160);
  CHECK_FALSE(report.steps.back().is_kept_up);
  CHECK(report.daily->low == Approx(160 * 86'400));
  CHECK(*report.daily->high == Approx(178 * 86'400).epsilon(0.02));
  CHECK(target(report, "upload").documents == 12'600);
  CHECK(broken(report).empty());
}

TEST_CASE("capacity: a sweep that begins with too much promises nothing") {
  RunShape shape{"overload", {{"warm-up", 5, 40, true, 1}}};
  for (const double rate : {250.0, 300.0, 350.0})
    shape.phases.push_back({"step", rate, static_cast<std::uint64_t>(rate * 30), false, 60});
  shape.tokens_per_document = 0;
  const CapacityReport report = concluded(run_of(shape));
  CHECK_FALSE(report.knee.has_value());
  CHECK(report.daily->low == 0);
  CHECK(report.daily->how == "not even 250 documents/s were kept up");
  CHECK(broken(report) == Names{"backlog"});
}

TEST_CASE("capacity: steady load that is too much is a growing backlog and fails") {
  const CapacityReport report = concluded(
      run_of({"overload", {{"warm-up", 5, 40, true, 1}, {"steady", 250, 20'000, false, 0}}}));
  CHECK(report.verdict == Verdict::fail);
  CHECK(broken(report) == Names{"backlog"});
  CHECK(report.backlog_slope == Approx(72).margin(4));
}

TEST_CASE("capacity: what is refused does not wait and is no backlog") {
  RunRecord run = passing_run();
  const std::size_t all = run.arrivals.size();
  for (std::size_t i = 0; i < all; i += 20) {
    Arrival& arrival = measured(run, i);
    arrival.ending = Ending::refused;
    arrival.accepted.reset();
    arrival.done.reset();
  }
  const CapacityReport report = concluded(run);
  CHECK(broken(report).empty());
  CHECK(target(report, "upload").verdict == Verdict::fail);
  // All the same it is no rate that is kept up.
  CHECK_FALSE(report.steps.front().is_kept_up);
}

TEST_CASE("capacity: noise is no growing backlog") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RunShape shape{"busy", {{"warm-up", 5, 40, true, 1}, {"steady", 150, 10'000, false, 0}}};
    shape.seed = seed;
    INFO(seed);
    CHECK(broken(concluded(run_of(shape))).empty());
  }
}

TEST_CASE("capacity: a burst drains faster than a quota allows all day") {
  const CapacityReport report = concluded(passing_run());
  // 1.8 million tokens a minute by 400 a document.
  CHECK(report.daily->documents == Approx(75 * 86'400));
  CHECK(report.daily->high == report.daily->low);
  RunRecord unlimited = passing_run();
  unlimited.keys.clear();
  CHECK(concluded(unlimited).daily->documents == Approx(178 * 86'400).epsilon(0.03));
}

TEST_CASE("capacity: the size of a document explains its time") {
  const CapacityReport report = concluded(passing_run());
  REQUIRE(report.size_fit);
  CHECK(report.size_fit->seconds_per_mb == Approx(0.02).epsilon(0.03));
  CHECK(report.size_fit->ten_mb_s == Approx(0.265).epsilon(0.03));
  CHECK(report.size_fit->ten_mb_high_s >= report.size_fit->ten_mb_s);
}

TEST_CASE("attribution: a document's stages add up to its time") {
  const CapacityReport report = concluded(passing_run());
  double sum = 0, mean = 0, count = 0;
  for (const StageShare& stage : report.stages) sum += stage.mean_s;
  for (const Arrival& arrival : report.run.arrivals) {
    if (report.run.phases[arrival.phase].is_warm_up) continue;
    mean += std::chrono::duration<double>(*arrival.done - arrival.intended).count();
    ++count;
  }
  CHECK(sum == Approx(mean / count));
}

TEST_CASE("attribution: what binds is named with what is next") {
  CHECK(concluded(failing_run()).bound_by ==
        "bound by store (97.0% used); next: tokens per minute of key 1 at 2.6 x");
  CHECK(concluded(sweep_run()).bound_by ==
        "bound by documents in flight (100.0% used), while nothing else is used up: allow more; "
        "next: CPU at 1.2 x");
  CHECK(concluded(large_run()).bound_by ==
        "bound by nothing: the load was 56% of what documents in flight allows");
}

TEST_CASE("attribution: the key that is used up is named") {
  RunRecord run = failing_run();
  for (Sample& sample : run.samples) sample.store_busy = 0.1;
  run.keys[1].tokens_used = 0.991 * 900'000;
  const CapacityReport report = concluded(run);
  CHECK_THAT(report.bound_by,
             ContainsSubstring("bound by tokens per minute of key 2 (99.1% used); next: "));
  CHECK(report.resources.front().name == "tokens per minute of key 2");
}

TEST_CASE("attribution: documents that wait although nothing is used up are told") {
  RunRecord run = failing_run();
  run.documents_in_flight_max = 1'000;
  for (Sample& sample : run.samples) sample.store_busy = 0.1;
  CHECK_THAT(concluded(run).bound_by, ContainsSubstring("bound by nothing that was measured: "));
}

TEST_CASE("attribution: a system that cannot be seen is not guessed at") {
  RunRecord run = large_run();
  run.documents_in_flight_max = 0;
  for (Sample& sample : run.samples) {
    sample.system_cpu_cores.reset();
    sample.store_busy.reset();
  }
  CHECK(concluded(run).bound_by ==
        "not known what binds: nothing of the system was to be seen from here");
}

TEST_CASE("quantiles: a stall shows from the intended time and hides from the issued one") {
  // As a client that waits for an answer before it sends the next would have it.
  RunRecord run = passing_run();
  for (std::size_t i = 100; i < 120; ++i) {
    Arrival& arrival = run.arrivals[i];
    const Offset answered = run.arrivals[120].intended + 2s;
    arrival.issued = answered - 20ms;
    arrival.answered = arrival.accepted = answered;
  }
  run.phases.resize(2);
  std::erase_if(run.arrivals, [](const Arrival& arrival) { return arrival.phase > 1; });
  const CapacityReport report = concluded(run);
  const auto point = std::ranges::find(report.quantiles, 0.99, &QuantilePoint::fraction);
  CHECK(point->from_intended_s > 2);
  CHECK(point->from_issued_s < 0.05);
  CHECK(point->is_certain);
  CHECK_FALSE(report.quantiles.back().is_certain);
}

TEST_CASE("daily capacity: a range is told as one where it has two ends") {
  Daily daily;
  daily.low = 10'000;
  CHECK(range_of(daily) == "at least 10,000");
  daily.high = 12'000;
  CHECK(range_of(daily) == "10,000 to 12,000");
  daily.high = daily.low;
  CHECK(range_of(daily) == "10,000");
}

}  // namespace
}  // namespace penstock
