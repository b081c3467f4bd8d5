// Byte-pair encoding of one piece: the neighbours that make the lowest rank are joined, the
// leftmost of equals first, until no two neighbours make a token.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/stages/tokenize/rank_table.h"

namespace penstock {

// Appends the piece's tokens to `tokens`. A piece of n bytes takes O(n log n), and O(n) for the
// short pieces that text is made of. Any thread.
void encode_piece(const RankTable& ranks, std::string_view piece,
                  std::vector<std::uint32_t>& tokens);

// How many tokens encode_piece would append. Allocates nothing for pieces of usual length.
std::uint32_t count_piece(const RankTable& ranks, std::string_view piece);

}  // namespace penstock
