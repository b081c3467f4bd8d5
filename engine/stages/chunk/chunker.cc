// The text is encoded once, as a whole, into pieces; a chunk is a run of pieces, and its tokens are
// the difference of two prefix sums. That is exact, because the encodings' patterns never look back
// and look ahead in one case only: how far white space goes on. So a run of pieces, taken by
// itself, falls into the same pieces again, except for white space at its end, which is counted
// anew.
//
// Two kinds of piece are cut nevertheless, and parts of a piece do not add up:
// * The patterns glue a symbol to the letters after it, so the full stop of a script without spaces
//   begins the piece of the next sentence. It is made a unit of its own; a chunk that holds such a
//   glued pair is counted as a whole.
// * A piece that would fill half a chunk or more (a megabyte without a space) is cut into segments,
//   each a chunk of its own.

#include "engine/stages/chunk/chunker.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string_view>

#include "engine/stages/chunk/text_breaks.h"

namespace penstock {
namespace {

// The text as units that are never cut: pieces, or segments of a huge piece.
class Units {
 public:
  Units(std::string_view text, const Tokenizer& tokenizer, std::uint32_t tokens_max)
      : text_(text), tokenizer_(tokenizer) {
    const std::vector<Piece> pieces = tokenizer.pieces(text);
    units_.reserve(pieces.size() + 1);
    std::size_t offset = 0;
    for (const Piece& piece : pieces) {
      const std::size_t stop = stop_before_letter_end(text.substr(offset, piece.bytes));
      if (piece.tokens > tokens_max / 2) {
        add_segments(offset, piece, tokens_max);
      } else if (stop > 0) {
        add(offset, tokenizer.count(text.substr(offset, stop)));
        ++glued_;
        add(offset + stop, tokenizer.count(text.substr(offset + stop, piece.bytes - stop)));
      } else {
        add(offset, piece.tokens);
      }
      offset += piece.bytes;
    }
    units_.push_back({offset, tokens_, glued_, true});
  }

  std::size_t count() const { return units_.size() - 1; }
  std::size_t offset(std::size_t unit) const { return units_[unit].offset; }
  // Whether a chunk must end before this unit.
  bool is_wall(std::size_t unit) const { return units_[unit].wall; }
  // Tokens of units [begin, end) by prefix sum: exact but for glued pairs and white space at the
  // end.
  std::uint64_t tokens_between(std::size_t begin, std::size_t end) const {
    return units_[end].tokens_before - units_[begin].tokens_before;
  }
  // Tokens of units [begin, end) encoded by themselves.
  std::uint64_t exact_tokens(std::size_t begin, std::size_t end) const {
    if (units_[end - 1].glued_before > units_[begin].glued_before)
      return tokenizer_.count(text_.substr(offset(begin), offset(end) - offset(begin)));
    std::size_t solid = end;
    while (solid > begin && is_space(solid - 1)) --solid;
    if (end - solid < 2) return tokens_between(begin, end);
    return tokens_between(begin, solid) +
           tokenizer_.count(text_.substr(offset(solid), offset(end) - offset(solid)));
  }

 private:
  struct Unit {
    std::size_t offset;
    std::uint64_t tokens_before;
    std::uint32_t glued_before;  // pairs whose second unit is this or an earlier one
    bool wall;
  };

  bool is_space(std::size_t unit) const {
    return is_blank(text_.substr(offset(unit), offset(unit + 1) - offset(unit)));
  }

  void add(std::size_t offset, std::uint64_t tokens) {
    units_.push_back({offset, tokens_, glued_, wall_next_});
    wall_next_ = false;
    tokens_ += tokens;
  }

  void add_segments(std::size_t offset, const Piece& piece, std::uint32_t tokens_max) {
    const std::size_t end = offset + piece.bytes;
    // As many bytes as fill a chunk at the piece's average, less a reserve for unevenness.
    const std::size_t average = std::size_t{tokens_max} * piece.bytes / piece.tokens;
    while (offset < end) {
      std::size_t length = std::max<std::size_t>(average - average / 8, 4);
      std::size_t cut = character_start(text_, std::min(end, offset + length));
      std::uint64_t tokens = tokenizer_.count(text_.substr(offset, cut - offset));
      while (tokens > tokens_max) {
        length /= 2;
        cut = character_start(text_, std::min(end, offset + length));
        tokens = tokenizer_.count(text_.substr(offset, cut - offset));
      }
      wall_next_ = true;
      add(offset, tokens);
      offset = cut;
    }
    wall_next_ = true;
  }

  const std::string_view text_;
  const Tokenizer& tokenizer_;
  std::vector<Unit> units_;
  std::uint64_t tokens_ = 0;
  std::uint32_t glued_ = 0;
  bool wall_next_ = false;
};

class Cutter {
 public:
  Cutter(std::string_view text, const Units& units, const ChunkOptions& options)
      : text_(text), units_(units), options_(options) {}

  // Where the chunk that begins at unit `begin` ends.
  std::size_t end_of_chunk(std::size_t begin) {
    reach_ = std::max(reach_, begin + 1);
    while (!units_.is_wall(reach_) &&
           units_.tokens_between(begin, reach_ + 1) <= options_.tokens_max)
      ++reach_;
    std::size_t end = reach_;
    while (end > begin + 1 && units_.exact_tokens(begin, end) > options_.tokens_max) --end;
    return units_.is_wall(end) ? end : best_cut(begin, end);
  }

  // Where the chunk after the one that ended at `end` begins: the first start of a sentence within
  // the overlap, else of a word, else `end`.
  std::size_t begin_of_next(std::size_t begin, std::size_t end) const {
    if (units_.is_wall(end)) return end;
    std::optional<std::size_t> sentence;
    std::optional<std::size_t> word;
    for (std::size_t at = end - 1; at > begin; --at) {
      if (units_.tokens_between(at, end) > options_.overlap_tokens_max) break;
      const TextBreak found = break_at(text_, units_.offset(at));
      if (found >= TextBreak::sentence) sentence = at;
      if (found >= TextBreak::word) word = at;
    }
    return sentence ? *sentence : word.value_or(end);
  }

 private:
  // The last place of the best kind that leaves the chunk at least half full.
  std::size_t best_cut(std::size_t begin, std::size_t end) const {
    std::size_t best = end;
    TextBreak best_break = break_at(text_, units_.offset(end));
    for (std::size_t at = end - 1; at > begin && best_break != TextBreak::paragraph; --at) {
      if (units_.tokens_between(begin, at) < options_.tokens_max / 2) break;
      const TextBreak found = break_at(text_, units_.offset(at));
      if (found <= best_break) continue;
      best = at;
      best_break = found;
    }
    return best;
  }

  const std::string_view text_;
  const Units& units_;
  const ChunkOptions& options_;
  std::size_t reach_ = 0;  // never goes back: the whole text is walked over once
};

// Counts characters from one offset to the next, each byte once.
class CharacterCounter {
 public:
  explicit CharacterCounter(std::string_view text) : text_(text) {}
  std::uint64_t up_to(std::size_t offset) {
    assert(offset >= offset_);
    characters_ += count_characters(text_.substr(offset_, offset - offset_));
    offset_ = offset;
    return characters_;
  }

 private:
  const std::string_view text_;
  std::size_t offset_ = 0;
  std::uint64_t characters_ = 0;
};

}  // namespace

std::vector<Chunk> chunk_text(const Text& text, const Tokenizer& tokenizer,
                              const ChunkOptions& options) {
  assert(options.tokens_max >= 16 && options.overlap_tokens_max * 2 < options.tokens_max);
  const std::string_view utf8 = text.utf8;
  if (!has_letter_or_digit(utf8)) return {};

  const Units units(utf8, tokenizer, options.tokens_max);
  Cutter cutter(utf8, units, options);
  CharacterCounter begins(utf8);
  CharacterCounter ends(utf8);
  std::vector<Chunk> chunks;
  for (std::size_t begin = 0; begin < units.count();) {
    const std::size_t end = cutter.end_of_chunk(begin);
    const std::size_t from = units.offset(begin);
    const std::size_t to = units.offset(end);
    Chunk chunk;
    chunk.ordinal = static_cast<std::uint32_t>(chunks.size());
    chunk.text = utf8.substr(from, to - from);
    chunk.tokens = static_cast<std::uint32_t>(units.exact_tokens(begin, end));
    chunk.char_begin = begins.up_to(from);
    chunk.char_end = ends.up_to(to);
    const std::string_view solid = trimmed(chunk.text);
    const auto solid_begin = static_cast<std::size_t>(solid.data() - utf8.data());
    chunk.page_first = text.page_of(solid_begin);
    chunk.page_last = text.page_of(solid_begin + solid.size() - (solid.empty() ? 0 : 1));
    chunks.push_back(chunk);
    if (end == units.count()) break;
    begin = cutter.begin_of_next(begin, end);
  }
  return chunks;
}

}  // namespace penstock
