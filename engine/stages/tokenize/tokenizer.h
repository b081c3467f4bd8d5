// Exact token counts: byte-pair encodings equal to tiktoken's, token for token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

enum class Encoding { cl100k_base, o200k_base };

// A piece is what the encoding's pattern cuts a text into; pieces are encoded independently, so
// the tokens of a text are the tokens of its pieces, one after another.
struct Piece {
  std::uint32_t bytes = 0;
  std::uint32_t tokens = 0;
};

class Tokenizer {
 public:
  // The rank tables are part of the binary; building the lookup takes some milliseconds, so a
  // process makes one tokenizer of an encoding and shares it. Immutable after construction.
  explicit Tokenizer(Encoding encoding);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // All of these: any thread, linear time in the text's length on any input, no special tokens
  // (text that spells one is encoded as ordinary text, as tiktoken's encode_ordinary). Invalid
  // UTF-8 counts as tiktoken counts it after replacing it by U+FFFD.
  std::vector<std::uint32_t> encode(std::string_view text) const;
  std::uint64_t count(std::string_view text) const;
  // The bytes that tokens stand for; encode() cut them anywhere, so only those of a whole text are
  // sure to be UTF-8. Absent: one of them is no token of the encoding.
  std::optional<std::string> decode(std::span<const std::uint32_t> tokens) const;
  // The pieces of `text` in order; their bytes add up to text.size(). `text` must be valid UTF-8.
  std::vector<Piece> pieces(std::string_view text) const;

 private:
  struct Tables;
  std::unique_ptr<const Tables> tables_;
};

}  // namespace penstock
