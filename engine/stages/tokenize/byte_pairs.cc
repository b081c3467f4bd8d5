// Two algorithms give the same tokens. Short pieces are joined in an array on the stack, looking
// for the lowest rank by going over it each time: quadratic, but the array is a few cache lines.
// Long ones, which a hostile or broken document can make megabytes long, go through a heap of
// pairs.

#include "engine/stages/tokenize/byte_pairs.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <queue>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t short_piece_max = 96;

// Part i covers piece[begins[i], begins[i + 1]); joins[i] is the rank of parts i and i + 1
// together.
struct ShortParts {
  std::array<std::uint8_t, short_piece_max + 1> begins;
  std::array<std::uint32_t, short_piece_max> joins;
  std::size_t count = 0;

  void remove(std::size_t part) {
    std::copy(begins.begin() + part + 1, begins.begin() + count + 1, begins.begin() + part);
    std::copy(joins.begin() + part + 1, joins.begin() + count, joins.begin() + part);
    --count;
  }
};

void join_short(const RankTable& ranks, std::string_view piece, ShortParts& parts) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(piece[i]); };
  parts.count = piece.size();
  for (std::size_t i = 0; i <= piece.size(); ++i) parts.begins[i] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i + 1 < piece.size(); ++i)
    parts.joins[i] = ranks.of_pair(byte(i), byte(i + 1));
  parts.joins[piece.size() - 1] = no_rank;

  const auto join_rank = [&](std::size_t part) {
    if (part + 1 == parts.count) return no_rank;
    const std::size_t begin = parts.begins[part];
    return ranks.find(piece.substr(begin, parts.begins[part + 2] - begin));
  };
  for (;;) {
    const auto lowest = std::min_element(parts.joins.begin(), parts.joins.begin() + parts.count);
    if (*lowest == no_rank) return;
    const auto part = static_cast<std::size_t>(lowest - parts.joins.begin());
    parts.remove(part + 1);
    parts.joins[part] = join_rank(part);
    if (part > 0) parts.joins[part - 1] = join_rank(part - 1);
  }
}

// Where the parts of a long piece begin, in order.
std::vector<std::uint32_t> join_long(const RankTable& ranks, std::string_view piece) {
  struct Part {
    std::uint32_t previous;
    std::uint32_t next;            // piece.size() after the last; a part is named by its begin
    std::uint32_t join = no_rank;  // with the next part; what the heap's entries are held against
  };
  const auto size = static_cast<std::uint32_t>(piece.size());
  std::vector<Part> parts(size + 1);
  using Join = std::pair<std::uint32_t, std::uint32_t>;  // rank, begin of the left part
  std::vector<Join> initial;
  initial.reserve(size);
  for (std::uint32_t i = 0; i <= size; ++i) {
    parts[i] = {i - 1, i + 1, no_rank};
    if (i + 1 >= size) continue;
    parts[i].join = ranks.of_pair(static_cast<unsigned char>(piece[i]),
                                  static_cast<unsigned char>(piece[i + 1]));
    if (parts[i].join != no_rank) initial.emplace_back(parts[i].join, i);
  }
  std::priority_queue<Join, std::vector<Join>, std::greater<>> joins(std::greater<>(),
                                                                     std::move(initial));
  const auto renew = [&](std::uint32_t begin) {
    const std::uint32_t next = parts[begin].next;
    parts[begin].join =
        next < size ? ranks.find(piece.substr(begin, parts[next].next - begin)) : no_rank;
    if (parts[begin].join != no_rank) joins.emplace(parts[begin].join, begin);
  };
  while (!joins.empty()) {
    const auto [rank, begin] = joins.top();
    joins.pop();
    if (parts[begin].join != rank) continue;  // one of the two was joined otherwise since
    const std::uint32_t removed = parts[begin].next;
    parts[removed].join = no_rank;
    parts[begin].next = parts[removed].next;
    parts[parts[removed].next].previous = begin;
    renew(begin);
    if (begin > 0) renew(parts[begin].previous);
  }
  std::vector<std::uint32_t> begins;
  for (std::uint32_t begin = 0; begin < size; begin = parts[begin].next) begins.push_back(begin);
  return begins;
}

}  // namespace

void encode_piece(const RankTable& ranks, std::string_view piece,
                  std::vector<std::uint32_t>& tokens) {
  if (const std::uint32_t whole = ranks.find(piece); whole != no_rank) {
    tokens.push_back(whole);
    return;
  }
  if (piece.size() <= short_piece_max) {
    ShortParts parts;
    join_short(ranks, piece, parts);
    for (std::size_t i = 0; i < parts.count; ++i) {
      const std::size_t begin = parts.begins[i];
      tokens.push_back(ranks.find(piece.substr(begin, parts.begins[i + 1] - begin)));
    }
    return;
  }
  const std::vector<std::uint32_t> begins = join_long(ranks, piece);
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const std::size_t end = i + 1 < begins.size() ? begins[i + 1] : piece.size();
    tokens.push_back(ranks.find(piece.substr(begins[i], end - begins[i])));
  }
}

std::uint32_t count_piece(const RankTable& ranks, std::string_view piece) {
  if (ranks.find(piece) != no_rank) return 1;
  if (piece.size() > short_piece_max)
    return static_cast<std::uint32_t>(join_long(ranks, piece).size());
  ShortParts parts;
  join_short(ranks, piece, parts);
  return static_cast<std::uint32_t>(parts.count);
}

}  // namespace penstock
