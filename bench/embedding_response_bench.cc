// Embedding answers: bytes of the body a second, one thread. The body and the rows are used again,
// so that pages of memory are not what is measured.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/embedding_answer.h"
#include "engine/backends/openai/base64.h"
#include "engine/backends/openai/embedding_request.h"
#include "engine/backends/openai/embedding_response.h"

namespace penstock {
namespace {

void set_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

void read_answer(benchmark::State& state, EmbeddingEncoding encoding) {
  const auto inputs = static_cast<std::size_t>(state.range(0));
  std::string body = embedding_answer(inputs, encoding);
  std::vector<float> rows;
  for (auto _ : state) {
    if (!read_embedding_response(body, inputs, answer_dimensions, rows))
      throw std::runtime_error("the answer was refused");
    benchmark::DoNotOptimize(rows.data());
  }
  set_bytes(state, body.size());
}
BENCHMARK_CAPTURE(read_answer, base64, EmbeddingEncoding::base64)->Arg(16)->Arg(256)->Arg(2'048);
BENCHMARK_CAPTURE(read_answer, numbers, EmbeddingEncoding::floats)->Arg(256);

// What bounds reading: the body's bytes, decoded and nothing else, and moved.
void decode_rows(benchmark::State& state, bool (*decode)(std::string_view, std::span<std::byte>)) {
  const auto inputs = static_cast<std::size_t>(state.range(0));
  std::mt19937 random(1);
  std::string text;
  for (std::size_t i = 0; i < inputs; ++i) text += base64_row(embedding_row(random));
  std::vector<float> rows(inputs * answer_dimensions);
  for (auto _ : state) {
    if (!decode(text, std::as_writable_bytes(std::span(rows))))
      throw std::runtime_error("the text was refused");
    benchmark::DoNotOptimize(rows.data());
  }
  set_bytes(state, text.size());
}
BENCHMARK_CAPTURE(decode_rows, best, decode_base64)->Arg(16)->Arg(2'048);
BENCHMARK_CAPTURE(decode_rows, scalar, decode_base64_scalar)->Arg(2'048);

void copy_body(benchmark::State& state) {
  const std::string body =
      embedding_answer(static_cast<std::size_t>(state.range(0)), EmbeddingEncoding::base64);
  std::string copy = body;
  for (auto _ : state) {
    std::memcpy(copy.data(), body.data(), body.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  set_bytes(state, body.size());
}
BENCHMARK(copy_body)->Arg(2'048);

}  // namespace
}  // namespace penstock
