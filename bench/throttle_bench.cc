// What the throttle costs a request: at 200,000 requests a minute, 2% of a core are 6 us each.
#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <future>
#include <vector>

#include "engine/stages/throttle/dispatch.h"
#include "engine/stages/throttle/throttle.h"

namespace penstock {
namespace {

constexpr std::uint64_t requests_per_minute = 200'000;

std::vector<KeyQuota> keys_of(std::int64_t count) {
  return {static_cast<std::size_t>(count), {"key", requests_per_minute, 100'000'000}};
}

Receipt good_receipt() {
  Receipt receipt;
  receipt.tokens = 300;
  receipt.limits.requests_left = requests_per_minute;
  receipt.limits.tokens_left = 100'000'000;
  return receipt;
}

// The decision alone, in simulated time, with every key's whole minute in its log.
void decide(benchmark::State& state) {
  Dispatch dispatch(keys_of(state.range(0)), ThrottleOptions{});
  const Receipt receipt = good_receipt();
  // A tenth slower than the limits: everything is granted at once.
  const auto requests = static_cast<std::int64_t>(requests_per_minute) * state.range(0);
  const Duration gap = Duration(std::chrono::minutes(1)) / requests * 11 / 10;
  TimePoint now{std::chrono::hours(1)};
  std::int64_t granted = 0;
  const auto ask = [&] {
    now += gap;
    dispatch.submit(300, Lane::bulk);
    for (const Dispatch::Decision& decision : dispatch.advance(now).decisions) {
      dispatch.settle(*decision.grant, receipt, now);
      ++granted;
    }
  };
  for (std::int64_t i = 0; i < requests; ++i) ask();
  granted = 0;
  for (auto _ : state) ask();
  state.SetItemsProcessed(granted);
}
BENCHMARK(decide)->ArgName("keys")->Arg(1)->Arg(10);

// With its lock, its callbacks and its clock: reserve, be granted, settle.
void reserve_and_settle(benchmark::State& state) {
  Throttle throttle({{"key", 1'000'000'000, 1'000'000'000'000}}, ThrottleOptions{},
                    [](std::size_t, const std::function<void(const Receipt&)>&) {});
  const Receipt receipt = good_receipt();
  for (auto _ : state) {
    throttle.reserve(300, Lane::bulk,
                     [&](const Result<Grant>& grant) { throttle.settle(*grant, receipt); });
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(reserve_and_settle);

// At the limit's own speed, so that most requests wait and the throttle's thread grants them: CPU
// of the whole process a request.
void paced(benchmark::State& state) {
  const Receipt receipt = good_receipt();
  for (auto _ : state) {
    Throttle throttle({{"key", requests_per_minute, 100'000'000}}, ThrottleOptions{},
                      [](std::size_t, const std::function<void(const Receipt&)>&) {});
    std::promise<void> done;
    int left = static_cast<int>(requests_per_minute / 60);
    for (int i = left; i > 0; --i) {
      throttle.reserve(300, Lane::bulk, [&](const Result<Grant>& grant) {
        throttle.settle(*grant, receipt);
        if (--left == 0) done.set_value();
      });
    }
    done.get_future().get();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(requests_per_minute / 60));
}
BENCHMARK(paced)->MeasureProcessCPUTime()->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock
