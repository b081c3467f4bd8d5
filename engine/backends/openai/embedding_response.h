// Reads what an embedding service answered: JSON with a row of numbers for each input, as base64 or
// as numbers. simdjson is known in the .cc only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/error.h"

namespace penstock {

struct EmbeddingResponse {
  std::size_t dimensions = 0;
  std::optional<std::uint64_t> tokens;  // as the service counted them; absent: it did not say
};

// Writes one row of unit length for each input to `rows` (row-major), which is resized to fit and
// may be used again. `dimensions` 0 takes the first row's. Rows go where their `index` says; where
// none has one, they are in order. `body` is best given 64 bytes of capacity to spare: otherwise it
// is copied. An error is permanent and says in one sentence what is wrong with the answer, possibly
// in the service's own words; `rows` are unspecified then. Any thread.
Result<EmbeddingResponse> read_embedding_response(std::string& body, std::size_t inputs,
                                                  std::size_t dimensions, std::vector<float>& rows);

}  // namespace penstock
