#include "loadgen/corpus.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/backends/local/lexical_embedder.h"
#include "engine/stages/extract/extract_text.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

DocumentKind kind(std::string name, std::uint64_t bytes, std::uint64_t text) {
  DocumentKind made;
  made.name = std::move(name);
  made.bytes = bytes;
  made.bytes_of_text = text;
  return made;
}

std::string whole(const Content& content) {
  std::string bytes;
  for (const auto part : content.parts) bytes.append(part.data(), part.size());
  return bytes;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST_CASE("corpus: a made document is about as large as its kind says") {
  const Corpus corpus({kind("small", 20'000, 0), kind("large", 1'000'000, 10'000)}, 1);
  for (std::uint32_t which = 0; which < 2; ++which) {
    const Content content = corpus.content(7, which);
    const double wanted = which == 0 ? 20'000 : 1'000'000;
    CHECK(static_cast<double>(content.bytes) > 0.8 * wanted);
    CHECK(static_cast<double>(content.bytes) < 1.2 * wanted);
    CHECK(whole(content).size() == content.bytes);
  }
}

TEST_CASE("corpus: the same seed and number give the same document and others give others") {
  const std::vector<DocumentKind> kinds = {kind("report", 30'000, 0)};
  const Corpus one(kinds, 1);
  const Corpus again(kinds, 1);
  const Corpus other(kinds, 2);
  CHECK(whole(one.content(3, 0)) == whole(again.content(3, 0)));
  std::set<std::string> seen = {whole(other.content(3, 0))};
  std::set<std::string> phrases = {other.content(3, 0).phrase};
  constexpr std::size_t documents = 100;
  for (std::uint64_t number = 0; number < documents; ++number) {
    seen.insert(whole(one.content(number, 0)));
    phrases.insert(one.content(number, 0).phrase);
  }
  CHECK(seen.size() == documents + 1);
  CHECK(phrases.size() == documents + 1);
}

TEST_CASE("corpus: extractors find the text of a made document whatever its size") {
  const Corpus corpus({kind("page", 4'000, 0), kind("text", 100'000, 0),
                       kind("pictures", 300'000, 8'000), kind("large", 10'000'000, 200'000)},
                      5);
  for (std::uint32_t which = 0; which < 4; ++which) {
    const Content content = corpus.content(11, which);
    const std::string bytes = whole(content);
    for (const ExtractorKind extractor_kind : {default_extractor, ExtractorKind::poppler}) {
      TextExtractor extractor(extractor_kind);
      const ExtractedPages extracted = extractor.extract(1, bytes, {0, 10'000}, 100 << 20);
      REQUIRE(extracted.outcome == Outcome::done);
      CHECK(extracted.message.empty());
      CHECK(extracted.pages_total == corpus.pages_of(which));
      CHECK(words_of(extracted.utf8) == words_of(corpus.text_of(11, which)));
      CHECK(extracted.utf8.find("Document 11, part 1: " + content.phrase) != std::string::npos);
    }
  }
}

TEST_CASE("corpus: a made document has as much text as its kind says") {
  const Corpus corpus({kind("little", 300'000, 8'000), kind("much", 1'000'000, 200'000)}, 5);
  CHECK(static_cast<double>(corpus.text_of(3, 0).size()) == Approx(8'000).epsilon(0.2));
  CHECK(static_cast<double>(corpus.text_of(3, 1).size()) == Approx(200'000).epsilon(0.2));
}

TEST_CASE("corpus: a made document's table tells where its objects are") {
  const Corpus corpus({kind("text", 50'000, 0), kind("pictures", 3'000'000, 20'000)}, 5);
  for (std::uint32_t which = 0; which < 2; ++which) {
    const std::string bytes = whole(corpus.content(42, which));
    const std::size_t said = bytes.rfind("startxref\n");
    REQUIRE(said != std::string::npos);
    const std::size_t table = std::stoul(bytes.substr(said + 10));
    REQUIRE(bytes.compare(table, 7, "xref\n0 ") == 0);
    const std::size_t objects = std::stoul(bytes.substr(table + 7)) - 1;
    CHECK(objects == 4 + 2 * corpus.pages_of(which));
    const std::size_t entries = bytes.find('\n', table + 7) + 1;
    for (std::size_t object = 1; object <= objects; ++object) {
      const std::size_t place = std::stoul(bytes.substr(entries + 20 * object, 10));
      CHECK(bytes.compare(place, std::to_string(object).size() + 7,
                          std::to_string(object) + " 0 obj\n") == 0);
    }
  }
}

TEST_CASE("corpus: a thousand documents of 10 MB at once share their memory") {
  const Corpus corpus({kind("large", 10'000'000, 8'000)}, 5);
  std::vector<Content> contents;
  std::vector<std::pair<const char*, const char*>> places;
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    contents.push_back(corpus.content(number, 0));
    for (const auto part : contents.back().parts)
      places.emplace_back(part.data(), part.data() + part.size());
  }
  std::ranges::sort(places);
  std::size_t bytes = 0;
  const char* seen = nullptr;
  for (const auto& [begin, end] : places) {
    const char* const from = seen != nullptr && seen > begin ? seen : begin;
    if (end <= from) continue;
    bytes += static_cast<std::size_t>(end - from);
    seen = end;
  }
  CHECK(bytes < 10'000'000);
}

TEST_CASE("corpus: a search by its phrase finds a document among thousands") {
  const Corpus corpus({kind("page", 4'000, 0)}, 5);
  constexpr std::size_t documents = 3'000;
  constexpr std::size_t one_in = 20;
  const auto vector_of = [](const std::string& text) {
    std::vector<float> vector;
    LexicalEmbedder().embed({text}, 0, [&](const Embedding& made) { vector = made.vectors; });
    return vector;
  };
  std::vector<std::vector<float>> vectors;
  for (std::uint64_t number = 0; number < documents; ++number)
    vectors.push_back(vector_of(corpus.text_of(number, 0)));
  for (std::uint64_t number = 0; number < documents; number += one_in) {
    const std::vector<float> query = vector_of(corpus.content(number, 0).phrase);
    // Words whose hashes are the same come first now and then; a search has a hundred hits.
    const auto nearness = [&](const std::vector<float>& vector) {
      return std::inner_product(vector.begin(), vector.end(), query.begin(), 0.0F);
    };
    const float own = nearness(vectors[number]);
    CHECK(std::ranges::count_if(vectors,
                                [&](const auto& vector) { return nearness(vector) > own; }) < 10);
  }
}

TEST_CASE("corpus: no long stretch of a document is in another") {
  const Corpus corpus({kind("text", 200'000, 0)}, 5);
  const std::string one = whole(corpus.content(1, 0));
  const std::string other = whole(corpus.content(2, 0));
  // Two of its own lines are never further apart: what a chunk of 200 tokens is longer than.
  constexpr std::size_t stretch = 22 * 82;
  std::set<std::string_view> seen;
  for (std::size_t at = 0; at + stretch <= one.size(); ++at)
    if (one[at] == '(') seen.insert(std::string_view(one).substr(at, stretch));
  REQUIRE(seen.size() > 1'000);
  for (std::size_t at = 0; at + stretch <= other.size(); ++at)
    if (other[at] == '(') CHECK_FALSE(seen.contains(std::string_view(other).substr(at, stretch)));
}

TEST_CASE("corpus: files of a folder are sent in turn and each sending has content of its own") {
  const TempDir folder;
  folder.write("a.pdf", "%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n");
  folder.write("b/c.txt", "some text");
  DocumentKind files;
  files.folder = folder.path();
  const Corpus corpus({files}, 1);
  CHECK(whole(corpus.content(0, 0)).starts_with("%PDF-1.4"));
  CHECK(corpus.content(0, 0).media_type == "application/pdf");
  CHECK(whole(corpus.content(0, 0)) != whole(corpus.content(2, 0)));
  CHECK(whole(corpus.content(1, 0)) == "some text");
  CHECK(corpus.content(1, 0).media_type == "text/plain");
  DocumentKind nothing;
  nothing.folder = folder.path("none");
  CHECK_THROWS_WITH(Corpus({nothing}, 1), ContainsSubstring("cannot be read"));
}

}  // namespace
}  // namespace penstock
