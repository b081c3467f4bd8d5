// The body of a POST to /v1/embeddings, held against everything that OpenAI holds it against.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "engine/stages/tokenize/tokenizer.h"
#include "loadgen/emulate/api_error.h"

namespace penstock {

struct EmbeddingModel {
  std::string_view name;
  std::size_t dimensions;
  std::size_t dimensions_min;  // that a request may ask for
};

inline constexpr std::array<EmbeddingModel, 3> embedding_models = {{
    {"text-embedding-3-small", 1'536, 1},
    {"text-embedding-3-large", 3'072, 1},
    {"text-embedding-ada-002", 1'536, 1'536},
}};

inline constexpr std::size_t request_inputs_max = 2'048;
inline constexpr std::uint64_t input_tokens_max = 8'192;
// Bind twice: the exact tokens, and a quarter token a byte, which OpenAI estimates beforehand.
inline constexpr std::uint64_t request_tokens_max = 300'000;

struct EmbeddingsRequest {
  std::vector<std::string> inputs;  // token ids as the text they stand for
  std::string model;
  std::size_t dimensions = 0;  // of the vectors: what is asked for, else the model's
  bool base64 = false;         // else numbers
  std::uint64_t tokens = 0;    // of all inputs, exact
};

// `tokenizer` is that of cl100k_base, which all these models use. Models of other names are taken,
// with 1,536 dimensions, or as many as asked for up to 4,096. The error's status is 400. Any
// thread.
tl::expected<EmbeddingsRequest, ApiError> parse_embeddings_request(const std::string& body,
                                                                   const Tokenizer& tokenizer);

}  // namespace penstock
