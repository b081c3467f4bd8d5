// Filling embedding requests: chunks a second, one thread. 6,000,000 tokens a minute are some 200
// chunks a second.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "engine/stages/pack/packer.h"

namespace {

void pack(benchmark::State& state) {
  using namespace penstock;
  constexpr std::size_t job_bytes = 64;
  // Jobs are handed on and never looked into; chunks come in runs of one document.
  static std::array<std::byte, 16 * job_bytes> jobs;
  const std::string text(2'000, 'x');
  Packer packer(PackLimits{}, Lane::bulk, std::chrono::milliseconds(50));
  std::size_t chunk = 0;
  for (auto _ : state) {
    auto* job = reinterpret_cast<Job*>(&jobs[chunk / 24 % 16 * job_bytes]);
    benchmark::DoNotOptimize(packer.add({job, chunk % 24, text, 480}, TimePoint{}));
    ++chunk;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(pack);

}  // namespace
