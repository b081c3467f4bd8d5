#include "loadgen/store_use.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

void add(RunRecord& run, Offset embedded, Offset stored) {
  run.arrivals.emplace_back();
  run.arrivals.back().embedded = embedded;
  run.arrivals.back().stored = stored;
}

TEST_CASE("store use: what overlaps counts once and each sample has its part") {
  RunRecord run;
  add(run, 2'500ms, 3'500ms);
  add(run, 100ms, 400ms);
  add(run, 300ms, 600ms);
  add(run, 5s, 5s);
  run.arrivals.emplace_back();  // not stored
  for (const Offset at : {0s, 1s, 2s, 3s, 4s}) {
    run.samples.emplace_back();
    run.samples.back().at = at;
  }
  add_store_use(run);
  CHECK_FALSE(run.samples[0].store_busy);
  CHECK(*run.samples[1].store_busy == Approx(0.5));
  CHECK(*run.samples[2].store_busy == Approx(0));
  CHECK(*run.samples[3].store_busy == Approx(0.5));
  CHECK(*run.samples[4].store_busy == Approx(0.5));
}

}  // namespace
}  // namespace penstock
