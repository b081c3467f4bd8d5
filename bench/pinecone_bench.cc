// Vectors of 1,536 dimensions on their way to Pinecone: writing them as JSON, one thread; and
// storing them in an emulated index in the same process, which reads that JSON again.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/text.h"
#include "engine/backends/pinecone/pinecone_vectors.h"
#include "engine/backends/pinecone/upsert_bodies.h"
#include "loadgen/emulate/pinecone_emulator.h"

namespace penstock {
namespace {

constexpr std::size_t dimensions = 1'536;
constexpr std::size_t chunk_text_bytes = 2'000;

struct Version {
  explicit Version(std::size_t count) : text(bench_text(chunk_text_bytes)) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(dimensions)));
    vectors.resize(count * dimensions);
    for (float& x : vectors) x = normal(random);
    for (std::size_t i = 0; i < count; ++i) {
      chunks.push_back({.ordinal = static_cast<std::uint32_t>(i), .text = text});
    }
  }
  VersionChunks view() const { return {key, VersionId(), chunks, vectors}; }

  std::string key = "reports/2024/annual.pdf";
  std::string text;
  std::vector<Chunk> chunks;
  std::vector<float> vectors;
};

void write_upserts(benchmark::State& state) {
  const Version version(1'000);
  const std::vector<VersionChunks> versions = {version.view()};
  std::size_t bytes = 0;
  for (auto _ : state) {
    UpsertBodies bodies(versions, "space");
    while (const auto body = bodies.next()) bytes += body->json.size();
  }
  const auto records = static_cast<double>(state.iterations()) * 1'000;
  state.counters["vectors/s"] = benchmark::Counter(records, benchmark::Counter::kIsRate);
  state.counters["bytes/vector"] = static_cast<double>(bytes) / records;
}
BENCHMARK(write_upserts)->Unit(benchmark::kMillisecond);

void store_vectors(benchmark::State& state) {
  PineconeEmulatorOptions served;
  served.listen = "127.0.0.1:0";
  served.latency = {};
  served.visibility = {};
  served.limits.upserts = served.limits.upsert_bytes = std::numeric_limits<std::uint32_t>::max();
  PineconeEmulator emulator(served);
  PineconeOptions options;
  options.url = emulator.url();
  options.api_key = Secret("key");
  PineconeVectors store(options, "model", dimensions);
  const Version version(2'000);
  const std::vector<VersionChunks> versions = {version.view()};
  for (auto _ : state)
    if (!store.upsert(versions)) throw std::runtime_error("not stored");
  state.counters["vectors/s"] = benchmark::Counter(static_cast<double>(state.iterations()) * 2'000,
                                                   benchmark::Counter::kIsRate);
}
BENCHMARK(store_vectors)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace penstock
