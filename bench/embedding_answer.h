// An answer of an embedding service, as OpenAI's protocol has it.
#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/openai/embedding_request.h"

namespace penstock {

inline constexpr std::size_t answer_dimensions = 1'536;

// Of unit length.
std::vector<float> embedding_row(std::mt19937& random);
std::string base64_row(std::span<const float> row);
// The body for so many inputs; the same every time.
std::string embedding_answer(std::size_t inputs, EmbeddingEncoding encoding);

}  // namespace penstock
