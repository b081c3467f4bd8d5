// The tokens of an encoding: bytes to rank and back. A token's rank is its number, and says how
// early byte-pair encoding makes it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {

inline constexpr std::uint32_t no_rank = ~std::uint32_t{0};

// Immutable after construction.
class RankTable {
 public:
  explicit RankTable(Encoding encoding);

  // The rank of the token that consists of exactly these bytes, or no_rank.
  std::uint32_t find(std::string_view bytes) const;
  std::uint32_t of_byte(unsigned char byte) const { return byte_ranks_[byte]; }
  std::uint32_t of_pair(unsigned char first, unsigned char second) const {
    return pair_ranks_[static_cast<std::size_t>(first) << 8 | second];
  }
  // How many tokens there are; their ranks are those below.
  std::size_t size() const { return begins_.size() - 1; }
  std::string_view token(std::uint32_t rank) const {
    return std::string_view(bytes_).substr(begins_[rank], begins_[rank + 1] - begins_[rank]);
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t rank = no_rank;
  };

  void insert(std::uint32_t rank);

  std::string bytes_;                  // of all tokens, in the order of rank
  std::vector<std::uint32_t> begins_;  // where each begins, and the end
  std::size_t length_max_ = 0;
  std::vector<Slot> slots_;  // open addressing, a power of two
  std::array<std::uint32_t, 256> byte_ranks_;
  std::vector<std::uint32_t> pair_ranks_;  // 256 x 256: half of all look-ups are of two bytes
};

}  // namespace penstock
