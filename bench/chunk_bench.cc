// The chunk stage, exact token counts included: bytes of text a second, one thread.
#include <benchmark/benchmark.h>

#include "bench/text.h"
#include "engine/stages/chunk/chunker.h"

namespace penstock {
namespace {

void chunk_document(benchmark::State& state) {
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Text text;
  text.utf8 = bench_text(4 << 20);
  for (std::size_t end = 3'000; end < text.utf8.size(); end += 3'000) text.page_ends.push_back(end);
  text.page_ends.push_back(text.utf8.size());
  ChunkOptions options;
  options.tokens_max = static_cast<std::uint32_t>(state.range(0));
  options.overlap_tokens_max = options.tokens_max / 8;
  for (auto _ : state) benchmark::DoNotOptimize(chunk_text(text, tokenizer, options));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.utf8.size()));
}
BENCHMARK(chunk_document)->ArgName("tokens")->Arg(128)->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock
