#include "test/support/simulated_gate.h"

#include <cmath>
#include <numbers>

#include "engine/core/random.h"
#include "reports/gate/decide.h"

namespace penstock {
namespace {

double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

double normal(Random& random) {
  return std::sqrt(-2 * std::log(1 - uniform(random))) *
         std::cos(2 * std::numbers::pi * uniform(random));
}

class Mood {
 public:
  Mood(const Machine& machine, Random& random) : machine_(machine), random_(random) {
    phase_ = random_.below(4);
    is_slow_ = random_.below(2) == 0;
  }

  // ln of how much longer the next run takes.
  double next() {
    const double rest = std::sqrt(1 - machine_.memory * machine_.memory);
    noise_ = machine_.memory * noise_ + rest * machine_.noise * normal(random_);
    if (random_.below(10) == 0) is_slow_ = !is_slow_;
    double longer = noise_ + machine_.drift * static_cast<double>(runs_);
    if (uniform(random_) < machine_.outliers) longer += std::log(1.5);
    if (is_slow_) longer += std::log1p(machine_.slow_mode);
    if ((runs_ + phase_) % 4 < 2) longer += std::log1p(machine_.job_every_4_runs);
    ++runs_;
    return longer;
  }

 private:
  const Machine& machine_;
  Random& random_;
  double noise_ = 0;
  std::uint64_t runs_ = 0;
  std::uint64_t phase_ = 0;
  bool is_slow_ = false;
};

Values run_once(const GateShape& shape, bool is_candidate, double mood, Random& random) {
  const double slower = is_candidate ? 1 + shape.slowdown : 1;
  const auto own = [&] { return std::exp(mood + shape.machine.noise / 3 * normal(random)); };
  return {{"documents_per_second", 40 / slower / own()},
          {"cpu_seconds_per_page", 0.002 * slower * own()},
          {"cpu extract", 12 * slower * own()},
          {"done_p95", 0.8 * slower * std::exp(mood + shape.machine.noise * normal(random))},
          {"upload_p95", 0.05 * std::exp(mood + shape.machine.noise * normal(random))},
          {"peak_memory",
           180e6 * (is_candidate ? 1 + shape.more_memory : 1) * std::exp(0.01 * normal(random))},
          {"quota_used", 0.97 * std::exp(0.003 * normal(random))},
          {"calibration", 0.3 * own()}};
}

}  // namespace

GateRecord simulated_gate(const GateShape& shape) {
  GateRecord record;
  record.seed = shape.seed;
  record.pairs_max = shape.pairs_max;
  record.metrics = {{.name = "documents_per_second", .unit = "documents/s", .more_is_better = true},
                    {.name = "cpu_seconds_per_page", .unit = "s"},
                    {.name = "cpu extract", .unit = "s", .stage = "extract"},
                    {.name = "done_p95", .unit = "s"},
                    {.name = "upload_p95", .unit = "s"},
                    {.name = "peak_memory", .unit = "bytes", .floor = 0.05},
                    {.name = "quota_used", .more_is_better = true},
                    {.name = "calibration", .unit = "s", .is_control = true}};
  Random random(shape.seed);
  Mood mood(shape.machine, random);
  while (!is_decided(record)) {
    GatePair pair;
    const bool is_second_of_block = record.pairs.size() % 2 == 1;
    pair.candidate_first = shape.order == Order::blocks && is_second_of_block
                               ? !record.pairs.back().candidate_first
                               : random.below(2) == 1;
    const auto run = [&](bool is_candidate) {
      (is_candidate ? pair.candidate : pair.baseline) =
          run_once(shape, is_candidate, mood.next(), random);
    };
    run(pair.candidate_first);
    run(!pair.candidate_first);
    record.pairs.push_back(std::move(pair));
  }
  return record;
}

}  // namespace penstock
