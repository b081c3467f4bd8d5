#include "loadgen/emulate/embeddings_answer.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "engine/backends/local/lexical_embedder.h"

namespace penstock {
namespace {

std::vector<float> embed(const EmbeddingsRequest& request) {
  std::vector<float> vectors;
  LexicalEmbedder(request.dimensions)
      .embed({request.inputs.begin(), request.inputs.end()}, 0,
             [&](Embedding embedding) { vectors = std::move(embedding.vectors); });
  return vectors;
}

void append_base64(std::string& out, std::span<const float> vector) {
  static_assert(std::endian::native == std::endian::little, "the numbers are sent as they lie");
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* const bytes = reinterpret_cast<const unsigned char*>(vector.data());
  const std::size_t size = vector.size_bytes();
  for (std::size_t i = 0; i < size; i += 3) {
    const std::size_t left = size - i;
    const unsigned three =
        bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    out += digits[three >> 18];
    out += digits[three >> 12 & 63];
    out += left > 1 ? digits[three >> 6 & 63] : '=';
    out += left > 2 ? digits[three & 63] : '=';
  }
}

// The shortest decimals that are these floats again.
void append_numbers(std::string& out, std::span<const float> vector) {
  for (std::size_t i = 0; i < vector.size(); ++i)
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",", vector[i]);
}

}  // namespace

std::string embeddings_answer(const EmbeddingsRequest& request, std::optional<FaultKind> flaw) {
  const std::vector<float> vectors = embed(request);
  const std::size_t inputs = request.inputs.size();
  std::size_t entries = inputs;
  if (flaw == FaultKind::wrong_count) --entries;
  // A single vector is sent twice.
  if (flaw == FaultKind::duplicate_index && inputs == 1) ++entries;

  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < entries; ++i) {
    const bool last = i + 1 == entries;
    const std::size_t index = last && flaw == FaultKind::duplicate_index ? 0 : i;
    std::span<const float> vector(vectors.data() + index * request.dimensions, request.dimensions);
    if (last && flaw == FaultKind::wrong_dimension) vector = vector.first(vector.size() - 1);
    fmt::format_to(std::back_inserter(out), R"({}{{"object":"embedding","index":{},"embedding":{})",
                   i == 0 ? "" : ",", index, request.base64 ? '"' : '[');
    if (request.base64) {
      append_base64(out, vector);
    } else {
      append_numbers(out, vector);
    }
    out += request.base64 ? "\"}" : "]}";
  }
  fmt::format_to(std::back_inserter(out),
                 R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
                 nlohmann::json(request.model).dump(), request.tokens, request.tokens);
  if (flaw == FaultKind::malformed) out.resize(out.size() / 2);
  return out;
}

}  // namespace penstock
