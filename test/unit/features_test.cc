// What a document says, feature by feature; fixtures/features_*.cc has the documents.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/extract/extract_text.h"
#include "fixtures/fixture.h"
#include "fixtures/word_agreement.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using fixtures::Fixture;
using fixtures::Match;

ExtractedPages extract(TextExtractor& extractor, std::uint64_t document, std::string_view bytes) {
  return extractor.extract(document, bytes, {0, 1000}, 1 << 20);
}

// Words as they follow, a single space between them.
std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\f' || c == '\t';
    if (!is_space) line += c;
    if (is_space && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string sorted_parts(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(in_one_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::sort(parts.begin(), parts.end());
  std::string joined;
  for (const std::string& part : parts)
    if (!part.empty()) joined += part + "\n";
  return joined;
}

// The text, and what does not count for this fixture taken out of it.
std::string compared(Match match, std::string_view text) {
  if (match == Match::words) return sorted_parts(text, " \n\f");
  if (match == Match::lines) return sorted_parts(text, "\n\f");
  if (match == Match::order) return in_one_line(text);
  std::string exact(text);
  std::erase(exact, '\f');
  return exact;
}

// The words on which text assembly can be judged as a whole, too: a share of them may be lost.
void check_features(ExtractorKind kind, const std::vector<Fixture>& fixtures) {
  TextExtractor extractor(kind);
  std::string expected;
  std::string actual;
  std::uint64_t document = 0;
  for (const Fixture& fixture : fixtures) {
    INFO(fixture.name);
    const ExtractedPages pages = extract(extractor, ++document, fixture.bytes);
    REQUIRE(name_of(pages.outcome) == name_of(fixture.outcome));
    CHECK(pages.pages_total == fixture.pages);
    CHECK(pages.page_ends.size() == fixture.pages);
    CHECK(compared(fixture.match, pages.utf8) == compared(fixture.match, fixture.text));
    expected += fixture.text;
    actual += pages.utf8;
  }
  CHECK(fixtures::word_agreement(expected, actual) >= 0.995);
}

#ifdef PENSTOCK_INTERPRETER
TEST_CASE("features: each document says what a person would read") {
  check_features(ExtractorKind::penstock, fixtures::feature_set());
}
#endif

TEST_CASE("features: stock Poppler agrees but for what is marked") {
  std::vector<Fixture> agreed = fixtures::feature_set();
  std::erase_if(agreed, [](const Fixture& fixture) { return !fixture.stock_differs.empty(); });
  check_features(ExtractorKind::poppler, agreed);
}

}  // namespace
}  // namespace penstock
