// Embedding answers: bytes of the body a second, one thread. The body and the rows are used again,
// so that pages of memory are not what is measured.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/openai/base64.h"
#include "engine/backends/openai/embedding_request.h"
#include "engine/backends/openai/embedding_response.h"

namespace penstock {
namespace {

constexpr std::size_t dimensions = 1'536;

std::string to_base64(std::span<const float> row) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* bytes = reinterpret_cast<const unsigned char*>(row.data());
  std::string text;
  static_assert(dimensions * sizeof(float) % 3 == 0, "no padding");
  for (std::size_t i = 0; i < row.size_bytes(); i += 3) {
    const unsigned three = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += alphabet[three >> shift & 63];
  }
  return text;
}

std::vector<float> unit_row(std::mt19937& random) {
  std::vector<float> row(dimensions);
  std::normal_distribution<float> normal;
  double squares = 0;
  for (float& x : row) {
    x = normal(random);
    squares += x * x;
  }
  for (float& x : row) x = static_cast<float>(x / std::sqrt(squares));
  return row;
}

std::string answer(std::size_t inputs, EmbeddingEncoding encoding) {
  std::mt19937 random(1);
  std::string body = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::vector<float> row = unit_row(random);
    if (i > 0) body += ',';
    body += R"({"object":"embedding","index":)" + std::to_string(i) + R"(,"embedding":)";
    if (encoding == EmbeddingEncoding::base64) {
      body += '"' + to_base64(row) + '"';
    } else {
      for (std::size_t d = 0; d < row.size(); ++d)
        body += (d == 0 ? '[' : ',') + std::to_string(row[d]);
      body += ']';
    }
    body += '}';
  }
  return body + R"(],"model":"m","usage":{"prompt_tokens":9,"total_tokens":9}})";
}

void set_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

void read_answer(benchmark::State& state, EmbeddingEncoding encoding) {
  const auto inputs = static_cast<std::size_t>(state.range(0));
  std::string body = answer(inputs, encoding);
  std::vector<float> rows;
  for (auto _ : state) {
    if (!read_embedding_response(body, inputs, dimensions, rows))
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
  for (std::size_t i = 0; i < inputs; ++i) text += to_base64(unit_row(random));
  std::vector<float> rows(inputs * dimensions);
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
      answer(static_cast<std::size_t>(state.range(0)), EmbeddingEncoding::base64);
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
