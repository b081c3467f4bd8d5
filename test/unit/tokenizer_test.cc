#include "engine/stages/tokenize/tokenizer.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

const Tokenizer& tokenizer_of(Encoding encoding) {
  static const Tokenizer cl100k(Encoding::cl100k_base);
  static const Tokenizer o200k(Encoding::o200k_base);
  return encoding == Encoding::cl100k_base ? cl100k : o200k;
}

const Encoding encodings[] = {Encoding::cl100k_base, Encoding::o200k_base};

// Texts that a repeatable generator puts together from what tokenizers stumble over.
std::string random_text(std::mt19937& generator) {
  static const std::vector<std::string> parts = {
      " ",      "  ",     "\n", "\r\n", "\t",        "a",    "The",    "'s",     "'LL",
      "é",      "ß",      "Ω",  "漢",   "字",        "か",   "ح",      "1",      "23",
      "٣",      "-",      "//", ".",    "…",         "👍",    "🏽",   "\u200d", "\u0301",
      "\u00a0", "\u3000", "ﬁ",  "word", "Übergröße", "x=1;", "\u017f", "Ǆ",      "ª"};
  std::string text;
  for (std::size_t n = generator() % 80; n > 0; --n) text += parts[generator() % parts.size()];
  return text;
}

TEST_CASE("tokenizer: gives the tokens that tiktoken gives") {
  std::ifstream file(PENSTOCK_TEST_DATA "/golden_tokens.jsonl");
  REQUIRE(file.good());
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto golden = nlohmann::json::parse(line);
    const std::string text = golden.at("text");
    INFO(text);
    CHECK(tokenizer_of(Encoding::cl100k_base).encode(text) ==
          golden.at("cl100k_base").get<std::vector<std::uint32_t>>());
    CHECK(tokenizer_of(Encoding::o200k_base).encode(text) ==
          golden.at("o200k_base").get<std::vector<std::uint32_t>>());
  }
  CHECK(lines > 600);
}

TEST_CASE("tokenizer: pieces, counts and tokens agree on any text") {
  std::mt19937 generator(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(generator);
    for (const Encoding encoding : encodings) {
      const Tokenizer& tokenizer = tokenizer_of(encoding);
      std::size_t bytes = 0;
      std::uint64_t tokens = 0;
      for (const Piece& piece : tokenizer.pieces(text)) {
        bytes += piece.bytes;
        tokens += piece.tokens;
      }
      INFO(text);
      REQUIRE(bytes == text.size());
      REQUIRE(tokens == tokenizer.count(text));
      REQUIRE(tokens == tokenizer.encode(text).size());
    }
  }
}

TEST_CASE("tokenizer: tokens stand for the text that they are of") {
  std::mt19937 generator(2);
  for (int i = 0; i < 500; ++i) {
    const std::string text = random_text(generator);
    for (const Encoding encoding : encodings)
      REQUIRE(tokenizer_of(encoding).decode(tokenizer_of(encoding).encode(text)) == text);
  }
  CHECK(
      tokenizer_of(Encoding::cl100k_base).decode(std::vector<std::uint32_t>{100'255}).has_value());
  CHECK_FALSE(tokenizer_of(Encoding::cl100k_base)
                  .decode(std::vector<std::uint32_t>{64, 100'256})
                  .has_value());
}

TEST_CASE("tokenizer: a long text, whose words are remembered, counts as its tokens do") {
  // Words of all lengths up to what is remembered and beyond, and more of them than are kept.
  std::mt19937 generator(3);
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    text += ' ';
    for (std::size_t length = generator() % 20 + 1; length > 0; --length)
      text += "etaoin"[generator() % 6];
  }
  for (const Encoding encoding : encodings) {
    const Tokenizer& tokenizer = tokenizer_of(encoding);
    const std::uint64_t tokens = tokenizer.encode(text).size();
    CHECK(tokenizer.count(text) == tokens);
    std::uint64_t sum = 0;
    for (const Piece& piece : tokenizer.pieces(text)) sum += piece.tokens;
    CHECK(sum == tokens);
  }
}

TEST_CASE("tokenizer: a megabyte of one letter is no more than a long word") {
  // 8 letters a token, as tiktoken encodes runs of x; a quadratic merge would take hours.
  const std::string run(1 << 20, 'x');
  const Tokenizer& tokenizer = tokenizer_of(Encoding::cl100k_base);
  const std::vector<std::uint32_t> tokens = tokenizer.encode(run);
  CHECK(tokens.size() == tokenizer.count(run));
  const std::vector<std::uint32_t> shorter = tokenizer.encode(std::string(1 << 10, 'x'));
  CHECK(tokens.size() == shorter.size() * 1024);
}

TEST_CASE("tokenizer: long pieces are encoded as short ones, whichever algorithm does it") {
  // The piece of 97 letters is the first that goes through the heap. Its tokens from the front are
  // those of the piece of 96 but for the last few.
  std::mt19937 generator(2);
  for (int i = 0; i < 200; ++i) {
    std::string word;
    while (word.size() < 97) word += "acgt"[generator() % 4];
    const Tokenizer& tokenizer = tokenizer_of(Encoding::o200k_base);
    const auto longer = tokenizer.encode(word);
    const auto shorter = tokenizer.encode(word.substr(0, 96));
    CHECK(longer.size() <= shorter.size() + 1);
    CHECK(longer.size() + 1 >= shorter.size());
    CHECK(std::equal(longer.begin(), longer.begin() + 20, shorter.begin()));
  }
}

TEST_CASE("tokenizer: text that spells a special token is ordinary text") {
  for (const Encoding encoding : encodings)
    CHECK(tokenizer_of(encoding).count("<|endoftext|>") > 1);
}

TEST_CASE("tokenizer: what is not UTF-8 counts as the replacement character") {
  const Tokenizer& tokenizer = tokenizer_of(Encoding::cl100k_base);
  CHECK(tokenizer.encode("a\xff\xfe b") == tokenizer.encode("a\uFFFD\uFFFD b"));
  CHECK(tokenizer.encode("\xe4\xb8") == tokenizer.encode("\uFFFD"));
  CHECK(tokenizer.encode("\xed\xa0\x80") == tokenizer.encode("\uFFFD\uFFFD\uFFFD"));
}

TEST_CASE("tokenizer: an empty text has no tokens") {
  CHECK(tokenizer_of(Encoding::cl100k_base).encode("").empty());
  CHECK(tokenizer_of(Encoding::cl100k_base).count("") == 0);
  CHECK(tokenizer_of(Encoding::cl100k_base).pieces("").empty());
}

}  // namespace
}  // namespace penstock
