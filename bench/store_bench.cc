// The SQLite store: chunks written a second, and the time of a search over many vectors.
#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/backends/sqlite/nearest.h"
#include "engine/backends/sqlite/sqlite_vectors.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

constexpr std::size_t dimensions = 384;

std::vector<float> unit_vectors(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count * dimensions);
  for (std::size_t row = 0; row < count; ++row) {
    float squares = 0;
    for (std::size_t i = row * dimensions; i < (row + 1) * dimensions; ++i) {
      vectors[i] = normal(random);
      squares += vectors[i] * vectors[i];
    }
    for (std::size_t i = row * dimensions; i < (row + 1) * dimensions; ++i)
      vectors[i] /= std::sqrt(squares);
  }
  return vectors;
}

// Documents of twenty chunks of about 512 tokens.
class Documents {
 public:
  static constexpr std::size_t chunks_each = 20;

  explicit Documents(std::size_t count)
      : text_(2'000, 'x'), vectors_(unit_vectors(count * chunks_each)), chunks_(chunks_each) {
    for (std::size_t i = 0; i < chunks_each; ++i) {
      chunks_[i].ordinal = static_cast<std::uint32_t>(i);
      chunks_[i].tokens = 512;
      chunks_[i].text = text_;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = "/documents/" + std::to_string(i) + ".pdf";
      versions_.push_back(
          {key, VersionId::of(key, "bench"), chunks_,
           std::span(vectors_).subspan(i * chunks_each * dimensions, chunks_each * dimensions)});
    }
  }
  std::span<const VersionChunks> versions() const { return versions_; }

 private:
  const std::string text_;
  const std::vector<float> vectors_;
  std::vector<Chunk> chunks_;
  std::vector<VersionChunks> versions_;
};

void sqlite_upsert(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const Documents documents(batch);
  const TempDir folder;
  SqliteVectors store(folder.path("s.db"), "bench", dimensions);
  for (auto _ : state)
    if (!store.upsert(documents.versions())) state.SkipWithError("upsert failed");
  state.SetItemsProcessed(
      static_cast<std::int64_t>(state.iterations() * batch * Documents::chunks_each));
}
BENCHMARK(sqlite_upsert)
    ->ArgName("documents")
    ->Arg(1)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A store of 100,000 vectors, made once.
SqliteVectors& large_store() {
  static const TempDir folder;
  static SqliteVectors store(folder.path("s.db"), "bench", dimensions);
  static const bool filled = [] {
    const Documents documents(100'000 / Documents::chunks_each);
    for (std::size_t at = 0; at < documents.versions().size(); at += 50)
      if (!store.upsert(documents.versions().subspan(at, 50))) return false;
    return true;
  }();
  if (!filled) std::abort();
  return store;
}

void search_loaded(benchmark::State& state) {
  SqliteVectors& store = large_store();
  const std::vector<float> query = unit_vectors(1);
  if (!store.search(query, 10, {})) state.SkipWithError("search failed");  // loads
  for (auto _ : state) benchmark::DoNotOptimize(store.search(query, 10, {}));
}
BENCHMARK(search_loaded)->Unit(benchmark::kMillisecond)->UseRealTime();

void search_with_path(benchmark::State& state) {
  SqliteVectors& store = large_store();
  const std::vector<float> query = unit_vectors(1);
  const auto accept = [](const std::string& key) { return key.ends_with("7.pdf"); };
  for (auto _ : state) benchmark::DoNotOptimize(store.search(query, 10, accept));
}
BENCHMARK(search_with_path)->Unit(benchmark::kMillisecond)->UseRealTime();

void inner_product(benchmark::State& state,
                   float (*dot_product)(const float*, const float*, std::size_t)) {
  const std::vector<float> rows = unit_vectors(1'000);
  for (auto _ : state)
    for (std::size_t row = 0; row < 1'000; ++row)
      benchmark::DoNotOptimize(dot_product(rows.data(), &rows[row * dimensions], dimensions));
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK_CAPTURE(inner_product, scalar, dot_scalar)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(inner_product, fastest, dot)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace penstock
