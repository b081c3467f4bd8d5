#include "bench/embedding_answer.h"

#include <cmath>
#include <string_view>

namespace penstock {

std::string base64_row(std::span<const float> row) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* bytes = reinterpret_cast<const unsigned char*>(row.data());
  std::string text;
  static_assert(answer_dimensions * sizeof(float) % 3 == 0, "no padding");
  for (std::size_t i = 0; i < row.size_bytes(); i += 3) {
    const unsigned three = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += alphabet[three >> shift & 63];
  }
  return text;
}

std::vector<float> embedding_row(std::mt19937& random) {
  std::vector<float> row(answer_dimensions);
  std::normal_distribution<float> normal;
  double squares = 0;
  for (float& x : row) {
    x = normal(random);
    squares += x * x;
  }
  for (float& x : row) x = static_cast<float>(x / std::sqrt(squares));
  return row;
}

std::string embedding_answer(std::size_t inputs, EmbeddingEncoding encoding) {
  std::mt19937 random(1);
  std::string body = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::vector<float> row = embedding_row(random);
    if (i > 0) body += ',';
    body += R"({"object":"embedding","index":)" + std::to_string(i) + R"(,"embedding":)";
    if (encoding == EmbeddingEncoding::base64) {
      body += '"' + base64_row(row) + '"';
    } else {
      for (std::size_t d = 0; d < row.size(); ++d)
        body += (d == 0 ? '[' : ',') + std::to_string(row[d]);
      body += ']';
    }
    body += '}';
  }
  return body + R"(],"model":"m","usage":{"prompt_tokens":9,"total_tokens":9}})";
}

}  // namespace penstock
