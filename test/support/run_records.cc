#include "test/support/run_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>

#include "engine/core/random.h"

namespace penstock {
namespace {

Offset seconds(double s) {
  return std::chrono::round<Offset>(std::chrono::duration<double>(s));
}

double in_seconds(Offset offset) {
  return std::chrono::duration<double>(offset).count();
}

double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

// Between 0.8 and 1.2, rarely twice as much: a machine that others use too.
double jitter(Random& random) {
  const double ordinary = 0.8 + 0.4 * uniform(random);
  return random.below(400) == 0 ? 2 * ordinary : ordinary;
}

constexpr std::uint64_t mb = 1'000'000;

struct KindShape {
  const char* name;
  double weight;
  std::uint64_t bytes;
};

constexpr KindShape kinds[] = {{"0.2 MB", 0.6, mb / 5}, {"1 MB", 0.2, mb}, {"10 MB", 0.2, 10 * mb}};

std::uint32_t kind_of(double part) {
  std::uint32_t kind = 0;
  while (kind + 1 < std::size(kinds) && part >= kinds[kind].weight) part -= kinds[kind++].weight;
  return kind;
}

// Intended, issued and answered.
void plan(const RunShape& shape, RunRecord& run, Random& random) {
  double now = 0;
  for (const PhaseShape& phase : shape.phases) {
    PhaseRecord record;
    record.name = phase.name;
    record.is_warm_up = phase.is_warm_up;
    record.begin = seconds(now);
    const bool is_burst = phase.per_second == 0;
    record.plan = is_burst ? fmt::format("burst of {} documents", phase.documents)
                           : fmt::format("at random, {} documents/s", phase.per_second);
    if (!is_burst) record.documents_per_second = phase.per_second;
    for (std::uint64_t i = 0; i < phase.documents; ++i) {
      Arrival arrival;
      arrival.number = run.arrivals.size();
      arrival.phase = static_cast<std::uint32_t>(run.phases.size());
      arrival.kind = kind_of(uniform(random));
      arrival.bytes = kinds[arrival.kind].bytes;
      arrival.id = fmt::format("d-{:06}", arrival.number);
      // Two together are nearly exponential, without a logarithm.
      if (!is_burst) now += (uniform(random) + uniform(random)) / phase.per_second;
      arrival.intended = seconds(now);
      arrival.issued = arrival.intended + seconds(0.0002 * jitter(random));
      const double upload =
          is_burst ? 0.4 + 0.0005 * static_cast<double>(i) + shape.upload_s : shape.upload_s;
      arrival.answered = *arrival.issued + seconds(upload * jitter(random));
      arrival.accepted = arrival.answered;
      arrival.status = 202;
      run.arrivals.push_back(std::move(arrival));
    }
    if (is_burst) now += 0.1;
    record.end = seconds(now);
    now += phase.pause_s;
    run.phases.push_back(std::move(record));
  }
}

// First come, first served, by as many as there are slots.
void serve(const RunShape& shape, RunRecord& run, Random& random) {
  std::vector<Arrival*> line;
  for (Arrival& arrival : run.arrivals) line.push_back(&arrival);
  std::ranges::stable_sort(line, {}, [](const Arrival* a) { return *a->accepted; });
  std::priority_queue<Offset, std::vector<Offset>, std::greater<>> slots;
  for (std::uint32_t i = 0; i < shape.slots; ++i) slots.push(Offset{0});
  for (Arrival* arrival : line) {
    arrival->received = *arrival->issued + (*arrival->answered - *arrival->issued) / 2;
    arrival->queued = *arrival->answered - std::chrono::microseconds(200);
    arrival->started = std::max(slots.top(), *arrival->accepted + std::chrono::milliseconds(2));
    slots.pop();
    const double megabytes = static_cast<double>(arrival->bytes) / mb;
    const double half = shape.fixed_s / 2;
    arrival->extracted =
        *arrival->started + seconds((0.002 + shape.s_per_mb * megabytes) * jitter(random));
    arrival->embedded = *arrival->extracted + seconds(half * jitter(random));
    arrival->stored = *arrival->embedded + seconds(half * jitter(random));
    arrival->done = *arrival->stored + std::chrono::microseconds(500);
    arrival->ending = Ending::done;
    arrival->outcome = "done";
    arrival->pages = 1 + arrival->kind * 4;
    arrival->chunks = 1 + arrival->kind * 2;
    arrival->tokens = static_cast<std::uint64_t>(shape.tokens_per_document);
    arrival->attempts = 1;
    slots.push(*arrival->done);
    run.ended = std::max(run.ended, *arrival->done);
  }
  run.is_drained = true;
}

// How many of `times` are at or before each whole second.
std::vector<std::uint64_t> by_second(const std::vector<Offset>& times, std::size_t count) {
  std::vector<std::uint64_t> sums(count, 0);
  for (const Offset time : times)
    ++sums[std::min(count - 1, static_cast<std::size_t>((in_seconds(time) + 0.999999)))];
  for (std::size_t i = 1; i < count; ++i) sums[i] += sums[i - 1];
  return sums;
}

void sample(const RunShape& shape, RunRecord& run, Random& random) {
  const auto count = static_cast<std::size_t>(in_seconds(run.ended)) + 2;
  std::vector<Offset> issued, accepted, started, done;
  std::vector<double> cpu(count, 0);
  std::vector<std::uint64_t> bytes(count, 0);
  for (const Arrival& arrival : run.arrivals) {
    issued.push_back(*arrival.issued);
    accepted.push_back(*arrival.accepted);
    started.push_back(*arrival.started);
    done.push_back(*arrival.done);
    cpu[static_cast<std::size_t>(in_seconds(*arrival.extracted)) + 1] +=
        shape.cpu_share * in_seconds(*arrival.extracted - *arrival.started) + 0.002;
    bytes[static_cast<std::size_t>(in_seconds(*arrival.answered)) + 1] += arrival.bytes;
  }
  const auto issues = by_second(issued, count), acceptances = by_second(accepted, count),
             starts = by_second(started, count), ends = by_second(done, count);
  std::uint64_t sent = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Sample sample;
    sample.at = seconds(static_cast<double>(i));
    sample.system_cpu_cores = std::min(run.system_cores, 0.03 + cpu[i]);
    sample.system_memory = 180 * mb + 2 * mb * (starts[i] - ends[i]);
    sample.system_descriptors = 60 + issues[i] - acceptances[i];
    sample.store_busy =
        i == 0 ? 0 : std::min(1.0, 0.004 * static_cast<double>(ends[i] - ends[i - 1]));
    sample.queue_depth = acceptances[i] - starts[i];
    sample.working = starts[i] - ends[i];
    sample.accepted = acceptances[i];
    sample.done = ends[i];
    sample.generator_cpu_cores =
        0.02 +
        (i == 0 ? 0 : std::min(0.5, 0.0004 * static_cast<double>(issues[i] - issues[i - 1])));
    sample.generator_memory = 24 * mb;
    sample.connections = issues[i] - acceptances[i];
    sample.generator_descriptors = 20 + sample.connections;
    sample.timer_lag = seconds(0.0003 * jitter(random));
    sample.timers_late = 20 * sample.timer_lag;
    sample.steal = 0.002;
    sample.machine_cpu_cores = *sample.system_cpu_cores + sample.generator_cpu_cores + 0.05;
    sample.sent_bytes = sent += bytes[i];
    run.samples.push_back(sample);
  }
}

// Two keys share the tokens of the busiest minute; requests carry ten documents.
void use_keys(const RunShape& shape, RunRecord& run) {
  std::uint64_t busiest = 0;
  for (std::size_t i = 0; i < run.samples.size(); ++i)
    busiest = std::max(busiest, run.samples[i].done - run.samples[i < 60 ? 0 : i - 60].done);
  const double documents = static_cast<double>(busiest) / 2;
  for (const char* name : {"key 1", "key 2"})
    run.keys.push_back(
        {name, 3'000, 900'000, documents / 10, documents * shape.tokens_per_document, 0});
}

std::vector<PhaseShape> mission_phases() {
  return {{"warm-up", 5, 40, true, 1},
          {"steady", 10, 1'200, false, 2},
          {"burst 1", 0, 1'000, false, 8},
          {"burst 2", 0, 1'000, false, 8}};
}

}  // namespace

RunRecord run_of(const RunShape& shape) {
  Random random(shape.seed);
  RunRecord run;
  run.profile_name = shape.name;
  run.profile_text = fmt::format("name = \"{}\"\nseed = {}\n", shape.name, shape.seed);
  run.command =
      fmt::format("penstock capacity loadgen/profiles/{}.toml --seed {}", shape.name, shape.seed);
  run.seed = shape.seed;
  run.system = "penstock serve --workers 1, embedded store";
  run.destination = "http";
  run.environment = {"Example CPU 2.0 GHz",  2,       4'000 * mb,
                     "Linux 6.1, Debian 12", "0.1.0", "release",
                     "2026-11-28T01:02:03Z", 0.04};
  for (const KindShape& kind : kinds) run.kinds.push_back({kind.name, kind.weight});
  run.system_cores = 2;
  run.documents_in_flight_max = shape.slots;
  run.descriptors_max = 8'192;
  run.clock = {std::chrono::milliseconds(3), std::chrono::microseconds(400)};
  run.content = {10, 0, ""};
  plan(shape, run, random);
  serve(shape, run, random);
  sample(shape, run, random);
  if (shape.tokens_per_document > 0) use_keys(shape, run);
  return run;
}

RunRecord passing_run() {
  return run_of({"nightly", mission_phases()});
}

RunRecord failing_run() {
  RunShape shape{"slow-store", mission_phases()};
  shape.fixed_s = 0.5;
  RunRecord run = run_of(shape);
  for (Sample& sample : run.samples) sample.store_busy = sample.working > 0 ? 0.97 : 0.0;
  // Some of a burst were not taken.
  for (std::size_t i = 0; i < run.arrivals.size(); ++i) {
    Arrival& arrival = run.arrivals[i];
    if (run.phases[arrival.phase].name != "burst 2" || i % 25 != 0) continue;
    Arrival refused;
    refused.number = arrival.number;
    refused.phase = arrival.phase;
    refused.kind = arrival.kind;
    refused.bytes = arrival.bytes;
    refused.intended = arrival.intended;
    refused.issued = arrival.issued;
    refused.answered = arrival.answered;
    refused.status = 429;
    refused.message = "too many documents wait";
    refused.ending = Ending::refused;
    arrival = std::move(refused);
  }
  return run;
}

RunRecord invalid_run() {
  RunRecord run = run_of({"starved", mission_phases()});
  for (Sample& sample : run.samples) {
    sample.generator_cpu_cores = 0.95;
    sample.timer_lag = std::chrono::milliseconds(620);
    sample.steal = 0.22;
  }
  // What came too late to be issued in time, and what was not issued at all.
  for (Arrival& arrival : run.arrivals) {
    if (arrival.number % 40 == 0)
      arrival.issued = *arrival.issued + (*arrival.answered - *arrival.issued) / 2;
    if (arrival.number % 500 != 499) continue;
    Arrival dropped;
    dropped.number = arrival.number;
    dropped.phase = arrival.phase;
    dropped.kind = arrival.kind;
    dropped.bytes = arrival.bytes;
    dropped.intended = arrival.intended;
    dropped.ending = Ending::dropped;
    arrival = std::move(dropped);
  }
  return run;
}

RunRecord inconclusive_run() {
  RunShape shape{"short", {{"warm-up", 4, 2, true, 0}, {"steady", 2, 5, false, 0}}};
  shape.tokens_per_document = 0;
  RunRecord run = run_of(shape);
  run.content.checked = 5;
  return run;
}

RunRecord sweep_run() {
  RunShape shape{"sweep", {{"warm-up", 5, 40, true, 2}}};
  // 16 slots at 0.1 s a document: about 160 documents/s.
  for (const double rate : {20.0, 40.0, 80.0, 120.0, 160.0, 200.0})
    shape.phases.push_back({fmt::format("{:.0f} per second", rate), rate,
                            static_cast<std::uint64_t>(rate * 30), false, 15});
  shape.tokens_per_document = 0;
  shape.cpu_share = 0.15;
  return run_of(shape);
}

RunRecord large_run() {
  RunShape shape{"soak", {{"warm-up", 20, 400, true, 1}, {"steady", 100, 99'600, false, 0}}};
  shape.tokens_per_document = 0;
  return run_of(shape);
}

RunRecord hostile_run() {
  RunRecord run = inconclusive_run();
  const std::string hostile = "<b>&\"'|`*]]>\n\x1b[2J\xFF,\"";
  run.profile_name = run.profile_text = run.system = run.command = hostile;
  run.phases.back().name = run.kinds.front().name = hostile;
  Arrival& arrival = run.arrivals.back();
  arrival.id = arrival.message = arrival.outcome = hostile;
  arrival.ending = Ending::failed;
  run.content = {1, 1, hostile};
  run.findings = {hostile};
  return run;
}

std::vector<Target> mission_targets() {
  return {{"upload", Measure::upload, 2, 0.99, ""},
          {"start", Measure::start, 10, 0.99, ""},
          {"10 MB done", Measure::done, 60, 0.99, "10 MB"},
          {"documents a day", Measure::documents_per_day, 10'000, 0.99, ""},
          {"concurrent uploads", Measure::concurrent, 1'000, 0.99, ""}};
}

}  // namespace penstock
