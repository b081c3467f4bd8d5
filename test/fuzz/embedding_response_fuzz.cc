// Anything as the answer of an embedding service, and as base64: what is accepted has the shape
// that was asked for, and vector instructions decode what plain ones decode.
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/openai/base64.h"
#include "engine/backends/openai/embedding_response.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

void check_response(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto shape = static_cast<unsigned char>(bytes[0]);
  const std::size_t inputs = shape % 4 + 1;
  const std::size_t dimensions = shape / 4 % 4;
  std::string body(bytes.substr(1));
  std::vector<float> rows;
  const Result<EmbeddingResponse> response =
      read_embedding_response(body, inputs, dimensions, rows);
  if (!response) {
    REQUIRE(!response.error().message.empty());
    return;
  }
  REQUIRE(response->dimensions > 0);
  REQUIRE(dimensions == 0 || response->dimensions == dimensions);
  REQUIRE(rows.size() == inputs * response->dimensions);
  for (std::size_t at = 0; at < rows.size(); at += response->dimensions) {
    double squares = 0;
    for (const float x : std::span(rows).subspan(at, response->dimensions))
      squares += static_cast<double>(x) * static_cast<double>(x);
    REQUIRE(std::abs(std::sqrt(squares) - 1) < 2e-3);
  }
}

// In buffers of their own, so that a byte beyond is found.
void check_base64(std::string_view bytes) {
  const std::vector<char> text(bytes.begin(), bytes.end());
  const std::string_view view(text.data(), text.size());
  const std::optional<std::size_t> size = base64_decoded_size(view);
  if (!size) return;
  std::vector<std::byte> best(*size);
  std::vector<std::byte> scalar(*size);
  const bool decoded = decode_base64(view, best);
  REQUIRE(decode_base64_scalar(view, scalar) == decoded);
  REQUIRE(!decoded || best == scalar);
}

// Most of the input's bytes mapped into the alphabet, so that whole vectors of them are decoded.
void check_mostly_base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte == 0xFF && text.size() > 40 ? c : alphabet[byte % 64];
  }
  text.resize(text.size() / 4 * 4);
  check_base64(text);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  penstock::check_response(bytes);
  penstock::check_base64(bytes);
  penstock::check_mostly_base64(bytes);
  return 0;
}
