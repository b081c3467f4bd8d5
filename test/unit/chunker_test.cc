#include "engine/stages/chunk/chunker.h"

#include <random>
#include <string>
#include <vector>

#include "engine/stages/chunk/text_breaks.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

const Tokenizer& cl100k() {
  static const Tokenizer tokenizer(Encoding::cl100k_base);
  return tokenizer;
}

const Tokenizer& o200k() {
  static const Tokenizer tokenizer(Encoding::o200k_base);
  return tokenizer;
}

Text one_page(std::string utf8) {
  const std::size_t size = utf8.size();
  return {std::move(utf8), {size}};
}

std::string sentences(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += "Sentence number " + std::to_string(i) + " speaks of rivers and of their mills. ";
  return text;
}

// What the chunks give when each drops what its predecessor covered.
std::string without_overlaps(const Text& text, const std::vector<Chunk>& chunks) {
  std::string joined;
  std::size_t covered = 0;
  for (const Chunk& chunk : chunks) {
    const auto begin = static_cast<std::size_t>(chunk.text.data() - text.utf8.data());
    REQUIRE(begin <= covered);
    joined += chunk.text.substr(covered - begin);
    covered = begin + chunk.text.size();
  }
  return joined;
}

std::string random_text(std::mt19937& generator, std::size_t parts_max) {
  static const std::vector<std::string> parts = {" ",
                                                 "  ",
                                                 "   ",
                                                 "\n",
                                                 "\n\n",
                                                 "\t",
                                                 "\u00a0",
                                                 "\u3000",
                                                 "a",
                                                 "The",
                                                 "'s",
                                                 "é",
                                                 "ß",
                                                 "漢字",
                                                 "かな",
                                                 "。",
                                                 "ح",
                                                 "1",
                                                 "2345",
                                                 "-",
                                                 "//",
                                                 ". ",
                                                 "! ",
                                                 "…",
                                                 "👍🏽",
                                                 "\u0301",
                                                 "word",
                                                 " word",
                                                 " Über",
                                                 "x=1;",
                                                 "ǅ",
                                                 "ª",
                                                 "AB",
                                                 "supercalifragilistic",
                                                 "                    ",
                                                 "\r"};
  std::string text = "a";
  for (std::size_t n = generator() % parts_max; n > 0; --n)
    text += parts[generator() % parts.size()];
  return text;
}

TEST_CASE("chunk: counts are exact, limits hold, and dropping the overlaps gives back the text") {
  std::mt19937 generator(3);
  for (int i = 0; i < 600; ++i) {
    const Text text = one_page(random_text(generator, 400));
    for (const Tokenizer* tokenizer : {&cl100k(), &o200k()}) {
      const ChunkOptions options{16u + i % 40, i % 8u};
      const std::vector<Chunk> chunks = chunk_text(text, *tokenizer, options);
      INFO(text.utf8);
      for (const Chunk& chunk : chunks) {
        REQUIRE(chunk.tokens == tokenizer->count(chunk.text));
        REQUIRE(chunk.tokens <= options.tokens_max);
        REQUIRE(chunk.char_end - chunk.char_begin == count_characters(chunk.text));
      }
      REQUIRE(without_overlaps(text, chunks) == text.utf8);
    }
  }
}

TEST_CASE("chunk: a chunk ends at a paragraph rather than at a later sentence") {
  const Text text = one_page(sentences(20) + "\n\n" + sentences(60));
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {300, 0});
  REQUIRE(chunks.size() > 2);
  CHECK(chunks[0].text == sentences(20) + "\n\n");
  CHECK(chunks[1].text.substr(0, 18) == "Sentence number 0 ");
}

TEST_CASE("chunk: a chunk ends at a sentence rather than at a later word") {
  const Text text = one_page(sentences(100));
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {64, 0});
  CHECK(chunks.size() > 10);
  for (const Chunk& chunk : chunks) {
    CHECK(trimmed(chunk.text).back() == '.');
    CHECK(trimmed(chunk.text).substr(0, 8) == "Sentence");
  }
}

TEST_CASE("chunk: without sentences a chunk ends at a word") {
  std::string words;
  for (int i = 0; i < 400; ++i) words += "unbelievable ";
  const Text text = one_page(words);
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {32, 0});
  CHECK(chunks.size() > 10);
  for (const Chunk& chunk : chunks) CHECK(trimmed(chunk.text).substr(0, 12) == "unbelievable");
}

TEST_CASE("chunk: the overlap begins with a sentence and keeps its limit") {
  const Text text = one_page(sentences(100));
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {128, 32});
  REQUIRE(chunks.size() > 3);
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    const char* end_of_previous = chunks[i - 1].text.data() + chunks[i - 1].text.size();
    const auto overlap = static_cast<std::size_t>(end_of_previous - chunks[i].text.data());
    CHECK(overlap > 0);
    CHECK(cl100k().count(chunks[i].text.substr(0, overlap)) <= 32);
    CHECK(trimmed(chunks[i].text).substr(0, 15) == "Sentence number");
  }
}

TEST_CASE("chunk: pages and characters are those of the text") {
  Text text;
  for (const char* page : {"Erste Seite über Mühlen.\n", "", "Third page, about wells.\n"}) {
    text.utf8 += page;
    text.page_ends.push_back(text.utf8.size());
  }
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {16, 0});
  REQUIRE(chunks.size() == 1);
  CHECK(chunks[0].page_first == 1);
  CHECK(chunks[0].page_last == 3);
  CHECK(chunks[0].char_begin == 0);
  CHECK(chunks[0].char_end == text.utf8.size() - 2);  // two letters take two bytes
}

TEST_CASE("chunk: a chunk that ends with a page does not count the next one") {
  Text text;
  for (int page = 0; page < 2; ++page) {
    text.utf8 += sentences(4) + "\n\n";
    text.page_ends.push_back(text.utf8.size());
  }
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {64, 0});
  REQUIRE(chunks.size() == 2);
  CHECK(chunks[0].page_first == 1);
  CHECK(chunks[0].page_last == 1);
  CHECK(chunks[1].page_first == 2);
  CHECK(chunks[1].page_last == 2);
}

TEST_CASE("chunk: a megabyte without a space is cut between characters") {
  std::string run;
  while (run.size() < 1 << 20) run += "ä";
  const Text text = one_page("Before it. " + run + " After it.");
  const std::vector<Chunk> chunks = chunk_text(text, cl100k(), {512, 64});
  CHECK(without_overlaps(text, chunks) == text.utf8);
  for (const Chunk& chunk : chunks) {
    CHECK(chunk.tokens <= 512);
    CHECK((static_cast<unsigned char>(chunk.text.front()) & 0xC0) != 0x80);
  }
  CHECK(chunks.size() < 2 * cl100k().count(run) / 512);
}

TEST_CASE("chunk: a text without letters or digits gives nothing to search") {
  CHECK(chunk_text(one_page(""), cl100k(), {}).empty());
  CHECK(chunk_text(one_page(" \n\n --- ***\n"), cl100k(), {}).empty());
  CHECK(chunk_text(one_page("7\n"), cl100k(), {}).size() == 1);
}

TEST_CASE("chunk: Chinese is cut at its full stops") {
  std::string text;
  for (int i = 0; i < 80; ++i) text += "河水推动磨坊的轮子。";
  const Text page = one_page(text);
  const std::vector<Chunk> chunks = chunk_text(page, cl100k(), {64, 0});
  REQUIRE(chunks.size() > 4);
  for (const Chunk& chunk : chunks) CHECK(chunk.text.substr(chunk.text.size() - 3) == "。");
}

TEST_CASE("chunk: an abbreviation before a lower-case letter does not end a sentence") {
  CHECK(break_at("See e.g. this", 8) == TextBreak::word);
  CHECK(break_at("It ends. Then", 8) == TextBreak::sentence);
  CHECK(break_at("It ends.\" Then", 9) == TextBreak::sentence);
  CHECK(break_at("un broken", 1) == TextBreak::none);
}

}  // namespace
}  // namespace penstock
