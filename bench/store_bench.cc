// The SQLite store: chunks written a second, and the time of a search over many vectors.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/stored_documents.h"
#include "engine/backends/sqlite/nearest.h"
#include "engine/backends/sqlite/sqlite_vectors.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

void sqlite_upsert(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const StoredDocuments documents(batch);
  const TempDir folder;
  SqliteVectors store(folder.path("s.db"), "bench", stored_dimensions);
  for (auto _ : state)
    if (!store.upsert(documents.versions())) state.SkipWithError("upsert failed");
  state.SetItemsProcessed(
      static_cast<std::int64_t>(state.iterations() * batch * StoredDocuments::chunks_each));
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
  static SqliteVectors store(folder.path("s.db"), "bench", stored_dimensions);
  static const bool filled = [] {
    const StoredDocuments documents(100'000 / StoredDocuments::chunks_each);
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
      benchmark::DoNotOptimize(
          dot_product(rows.data(), &rows[row * stored_dimensions], stored_dimensions));
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK_CAPTURE(inner_product, scalar, dot_scalar)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(inner_product, fastest, dot)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace penstock
