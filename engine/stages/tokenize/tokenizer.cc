#include "engine/stages/tokenize/tokenizer.h"

#include <simdjson.h>

#include <string>

#include "engine/stages/tokenize/byte_pairs.h"
#include "engine/stages/tokenize/piece_counter.h"
#include "engine/stages/tokenize/pretokenizer.h"
#include "engine/stages/tokenize/rank_table.h"

namespace penstock {
namespace {

// How many bytes of a UTF-8 character stand at `at`: `complete` if it is a whole one, else the
// longest beginning of one, at least 1. What Unicode calls the maximal subpart.
struct Decoded {
  std::size_t bytes;
  bool complete;
};

Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Overlong forms, surrogates and what is above U+10FFFF are told by the second byte.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return {1, false};
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return {i, false};
  return {length, true};
}

// `text` itself if it is valid; else a copy in `storage` with U+FFFD for what is not.
std::string_view valid_utf8(std::string_view text, std::string& storage) {
  if (simdjson::validate_utf8(text.data(), text.size())) return text;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded character = decode(text, at);
    storage += character.complete ? text.substr(at, character.bytes) : "\uFFFD";
    at += character.bytes;
  }
  return storage;
}

}  // namespace

struct Tokenizer::Tables {
  explicit Tables(Encoding of) : encoding(of), ranks(of) {}

  // Calls visit(piece, how many tokens it has), in order.
  template <typename Visit>
  void for_each_piece(std::string_view text, Visit visit) const {
    // Text of a few sentences repeats too little to be worth a memory.
    constexpr std::size_t worth_remembering = 16 << 10;
    const auto counter =
        text.size() < worth_remembering ? nullptr : std::make_unique<PieceCounter>(ranks);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = piece_end(encoding, text, begin);
      const std::string_view piece = text.substr(begin, end - begin);
      visit(piece, counter ? counter->count(piece) : count_piece(ranks, piece));
      begin = end;
    }
  }

  const Encoding encoding;
  const RankTable ranks;
};

Tokenizer::Tokenizer(Encoding encoding) : tables_(std::make_unique<const Tables>(encoding)) {}

Tokenizer::~Tokenizer() = default;

std::vector<std::uint32_t> Tokenizer::encode(std::string_view text) const {
  std::string storage;
  text = valid_utf8(text, storage);
  std::vector<std::uint32_t> tokens;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = piece_end(tables_->encoding, text, begin);
    encode_piece(tables_->ranks, text.substr(begin, end - begin), tokens);
    begin = end;
  }
  return tokens;
}

std::uint64_t Tokenizer::count(std::string_view text) const {
  std::string storage;
  text = valid_utf8(text, storage);
  std::uint64_t tokens = 0;
  tables_->for_each_piece(
      text, [&](std::string_view, std::uint32_t piece_tokens) { tokens += piece_tokens; });
  return tokens;
}

std::optional<std::string> Tokenizer::decode(std::span<const std::uint32_t> tokens) const {
  std::string text;
  for (const std::uint32_t token : tokens) {
    if (token >= tables_->ranks.size()) return std::nullopt;
    text += tables_->ranks.token(token);
  }
  return text;
}

std::vector<Piece> Tokenizer::pieces(std::string_view text) const {
  std::vector<Piece> pieces;
  pieces.reserve(text.size() / 5);  // English has one in 4.5 bytes
  tables_->for_each_piece(text, [&](std::string_view piece, std::uint32_t tokens) {
    pieces.push_back({static_cast<std::uint32_t>(piece.size()), tokens});
  });
  return pieces;
}

}  // namespace penstock
