#include "loadgen/corpus.h"

#include <algorithm>
#include <set>
#include <string>

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

TEST_CASE("corpus: an extractor finds the pages of a made document and its words") {
  const Corpus corpus({kind("text", 100'000, 0), kind("pictures", 300'000, 8'000)}, 5);
  for (std::uint32_t which = 0; which < 2; ++which) {
    const Content content = corpus.content(11, which);
    TextExtractor extractor(ExtractorKind::poppler);
    const std::string bytes = whole(content);
    const ExtractedPages extracted = extractor.extract(1, bytes, {0, 10'000}, 100 << 20);
    CHECK(extracted.outcome == Outcome::done);
    CHECK(extracted.message.empty());
    CHECK(extracted.pages_total == corpus.pages_of(which));
    CHECK(extracted.utf8.find(content.phrase + ".") != std::string::npos);
    // As many lines as were set.
    CHECK(std::ranges::count(extracted.utf8, '\n') >= 40 * extracted.pages_total - 1);
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
