// Counts the tokens of pieces, and remembers what it counted: a document says its words again and
// again, and the tables of an encoding are too large for a core's nearest caches.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/stages/tokenize/byte_pairs.h"
#include "engine/stages/tokenize/rank_table.h"

namespace penstock {

// One thread. 128 KB: not for the stack.
class PieceCounter {
 public:
  explicit PieceCounter(const RankTable& ranks) : ranks_(ranks) {}

  // `piece` is not empty.
  std::uint32_t count(std::string_view piece) {
    if (piece.size() > remembered_bytes_max) return count_piece(ranks_, piece);
    const Key key = key_of(piece);
    Entry& entry = entries_[slot_of(key)];
    if (entry.key != key) entry = {key, count_piece(ranks_, piece)};
    return entry.tokens;
  }

 private:
  static constexpr std::size_t remembered_bytes_max = 16;

  // The piece's bytes: its first and its last ones, which overlap if there are fewer.
  struct Key {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint32_t size = 0;

    bool operator==(const Key&) const = default;
  };
  struct Entry {
    Key key;  // of size 0: nothing yet
    std::uint32_t tokens = 0;
  };

  template <typename Word>
  static std::uint64_t load(const char* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
  }
  static Key key_of(std::string_view piece) {
    const char* const begin = piece.data();
    const std::size_t size = piece.size();
    Key key{0, 0, static_cast<std::uint32_t>(size)};
    if (size >= 8) {
      key.first = load<std::uint64_t>(begin);
      key.last = load<std::uint64_t>(begin + size - 8);
    } else if (size >= 4) {
      key.first = load<std::uint32_t>(begin);
      key.last = load<std::uint32_t>(begin + size - 4);
    } else {
      for (const char c : piece) key.first = key.first << 8 | static_cast<unsigned char>(c);
    }
    return key;
  }
  static std::size_t slot_of(const Key& key) {
    // Fractional digits of pi, as good as any odd numbers.
    const std::uint64_t mixed =
        (key.first ^ key.size) * 0x243F6A8885A308D3U + key.last * 0x13198A2E03707345U;
    return mixed >> 52;
  }

  const RankTable& ranks_;
  std::array<Entry, 4096> entries_{};
};

}  // namespace penstock
