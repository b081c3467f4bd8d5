// The lexical embedder: chunks and bytes a second, one thread.
#include <benchmark/benchmark.h>

#include <string_view>
#include <vector>

#include "bench/text.h"
#include "engine/backends/local/lexical_embedder.h"

namespace penstock {
namespace {

void embed_chunks(benchmark::State& state) {
  constexpr std::size_t chunk_bytes = 2'000;  // about 512 tokens
  const std::string text = bench_text(64 * chunk_bytes);
  std::vector<std::string_view> chunks;
  for (std::size_t at = 0; at + chunk_bytes <= text.size(); at += chunk_bytes)
    chunks.push_back(std::string_view(text).substr(at, chunk_bytes));
  LexicalEmbedder embedder;
  for (auto _ : state)
    embedder.embed(chunks, 0, [](const Embedding& embedding) {
      benchmark::DoNotOptimize(embedding.vectors.data());
    });
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * chunks.size()));
  state.SetBytesProcessed(
      static_cast<std::int64_t>(state.iterations() * chunks.size() * chunk_bytes));
}
BENCHMARK(embed_chunks)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock
