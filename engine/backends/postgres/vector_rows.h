// Rows of chunks with their vectors, as binary COPY takes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/core/chunk.h"

namespace penstock {

// The columns, in the order of a row.
inline constexpr const char* vector_row_columns =
    "version, ordinal, page_first, page_last, char_begin, char_end, tokens, text, embedding";

void append_vector_row(std::int64_t version, const Chunk& chunk, std::span<const float> vector,
                       std::string& rows);

}  // namespace penstock
