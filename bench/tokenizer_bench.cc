// The tokenize stage: bytes of text a second, one thread.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/prose.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {
namespace {

void count_text(benchmark::State& state, Encoding encoding, const std::string& text) {
  const Tokenizer tokenizer(encoding);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.count(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

BENCHMARK_CAPTURE(count_text, cl100k_english, Encoding::cl100k_base, english_prose(1 << 20));
BENCHMARK_CAPTURE(count_text, o200k_english, Encoding::o200k_base, english_prose(1 << 20));
BENCHMARK_CAPTURE(count_text, cl100k_one_letter, Encoding::cl100k_base, std::string(1 << 20, 'x'));

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
