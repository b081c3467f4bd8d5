// The tokenizer: bytes of text a second, one thread.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/text.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {
namespace {

void count_tokens(benchmark::State& state, Encoding encoding, const std::string& text) {
  const Tokenizer tokenizer(encoding);
  std::uint64_t tokens = 0;
  for (auto _ : state) tokens = tokenizer.count(text);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
  state.counters["tokens"] = static_cast<double>(tokens);
}

BENCHMARK_CAPTURE(count_tokens, cl100k, Encoding::cl100k_base, bench_text(16 << 20))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, o200k, Encoding::o200k_base, bench_text(16 << 20))
    ->Unit(benchmark::kMillisecond);
// What makes a quadratic merge take minutes.
BENCHMARK_CAPTURE(count_tokens, cl100k_one_letter, Encoding::cl100k_base, std::string(1 << 20, 'x'))
    ->Unit(benchmark::kMillisecond);

void construct(benchmark::State& state, Encoding encoding) {
  for (auto _ : state) {
    const Tokenizer tokenizer(encoding);
    benchmark::DoNotOptimize(&tokenizer);
  }
}

BENCHMARK_CAPTURE(construct, cl100k, Encoding::cl100k_base)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(construct, o200k, Encoding::o200k_base)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock
