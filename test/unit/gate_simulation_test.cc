// What the gate's verdicts are worth, on machines that are known: of builds that are the same, and
// of one that is 5% slower.
#include <fmt/format.h>

#include "reports/gate/decide.h"
#include "test/support/catch.h"
#include "test/support/simulated_gate.h"

namespace penstock {
namespace {

struct Place {
  const char* name;
  Machine machine;
};

struct Count {
  int gates = 0;
  int regressions = 0;
  int moved = 0;  // controls
  int open = 0;
  std::size_t pairs = 0;
  std::string text(const char* name) const {
    return fmt::format("{}: of {} gates {} regressions, {} invalid, {} inconclusive; {:.1f} pairs",
                       name, gates, regressions, moved, open, static_cast<double>(pairs) / gates);
  }
};

Count count(const Place& place, double slowdown, int gates) {
  Count count;
  for (int i = 0; i < gates; ++i) {
    const GateReport report =
        decide(simulated_gate({.machine = place.machine,
                               .slowdown = slowdown,
                               .seed = static_cast<std::uint64_t>(1'000 + i)}));
    ++count.gates;
    count.regressions += report.verdict == GateVerdict::regression ? 1 : 0;
    count.moved += report.verdict == GateVerdict::invalid ? 1 : 0;
    count.open += report.verdict == GateVerdict::inconclusive ? 1 : 0;
    count.pairs += report.record.pairs.size();
  }
  return count;
}

TEST_CASE("gate simulation: of 100 gates of the same build at most 2 give an alarm") {
  const Place places[] = {
      {"1% noise", {.noise = 0.01}},
      {"3% noise", {.noise = 0.03}},
      {"10% noise", {.noise = 0.1}},
      {"drift of 0.5% a run", {.noise = 0.02, .drift = 0.005}},
      {"a tenth of runs 50% slower", {.noise = 0.02, .outliers = 0.1}},
      {"5% noise that lasts", {.noise = 0.05, .memory = 0.8}},
      {"a machine with two speeds", {.noise = 0.02, .slow_mode = 0.25}},
      {"a job by the clock", {.noise = 0.01, .job_every_4_runs = 0.15}},
  };
  for (const Place& place : places) {
    const Count found = count(place, 0, 200);
    INFO(found.text(place.name));
    CHECK(found.regressions + found.moved <= 4);
  }
}

TEST_CASE("gate simulation: a build that is 5% slower is found in 9 of 10 gates") {
  const Place places[] = {
      {"1% noise", {.noise = 0.01}},
      {"2% noise", {.noise = 0.02}},
      {"3% noise", {.noise = 0.03}},
      {"drift of 0.5% a run", {.noise = 0.02, .drift = 0.005}},
      {"5% noise that lasts", {.noise = 0.05, .memory = 0.8}},
      {"a machine with two speeds", {.noise = 0.02, .slow_mode = 0.25}},
  };
  for (const Place& place : places) {
    const Count found = count(place, 0.05, 100);
    INFO(found.text(place.name));
    CHECK(found.regressions >= 90);
  }
}

TEST_CASE("gate simulation: memory that grew by a fifth is found on any machine") {
  Count found;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const GateReport report = decide(simulated_gate(
        {.machine = {.noise = 0.03, .outliers = 0.05}, .more_memory = 0.2, .seed = seed}));
    ++found.gates;
    found.regressions += report.verdict == GateVerdict::regression ? 1 : 0;
  }
  INFO(found.text("memory"));
  CHECK(found.regressions == found.gates);
}

}  // namespace
}  // namespace penstock
