// The body of an embedding request.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock {

enum class EmbeddingEncoding { base64, floats };

// `inputs` are valid UTF-8, at least one, none empty. `dimensions`: absent, the model's own.
std::string embedding_request(std::span<const std::string_view> inputs, std::string_view model,
                              EmbeddingEncoding encoding, std::optional<std::size_t> dimensions);

}  // namespace penstock
