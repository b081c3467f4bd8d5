// What a document says, feature by feature, and what becomes of documents made to hurt;
// fixtures/features_*.cc and fixtures/hostile_*.cc make them.

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/extract/extract_text.h"
#include "engine/stages/extract/extractor_pool.h"
#include "fixtures/fixture.h"
#include "fixtures/word_agreement.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using fixtures::Fixture;
using fixtures::HostileFixture;
using fixtures::Match;

// Stock Poppler is spared what it is known to get wrong; the fixtures say what and why.
constexpr bool is_stock = default_extractor == ExtractorKind::poppler;

#ifdef PENSTOCK_SANITIZED
constexpr bool is_sanitized = true;
constexpr std::chrono::seconds document_timeout{60};
#else
constexpr bool is_sanitized = false;
constexpr std::chrono::seconds document_timeout{10};
#endif
// Hostile documents in the pool at a time: each child has another one soon, and few are in memory.
constexpr std::size_t batch = 8;

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
    const ExtractedPages pages = extractor.extract(++document, fixture.bytes, {0, 1000}, 1 << 20);
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

// Of documents that are in the pool together.
std::vector<Extraction> extract_all(ExtractorPool& pool,
                                    const std::vector<const HostileFixture*>& fixtures) {
  std::vector<MemoryFile> files;
  files.reserve(fixtures.size());
  std::vector<std::promise<Extraction>> promises(fixtures.size());
  for (const HostileFixture* fixture : fixtures) files.push_back(*MemoryFile::of(fixture->bytes()));
  for (std::size_t i = 0; i < files.size(); ++i)
    pool.extract(files[i], Lane::bulk,
                 [&, i](Extraction extraction) { promises[i].set_value(std::move(extraction)); });
  std::vector<Extraction> extractions;
  extractions.reserve(fixtures.size());
  for (std::promise<Extraction>& promise : promises)
    extractions.push_back(promise.get_future().get());
  return extractions;
}

bool is_spared(const HostileFixture& fixture) {
  if (is_stock && !fixture.stock_cannot.empty()) return true;
  // Sanitized children have no memory limit.
  const auto& outcomes = fixture.outcomes;
  return is_sanitized && std::count(outcomes.begin(), outcomes.end(), Outcome::out_of_memory) > 0;
}

TEST_CASE("features: each hostile document ends soon and well, and costs only itself") {
  ExtractorPoolOptions options;
  options.program = PENSTOCK_EXTRACTOR_CHILD;
  options.children = 2;
  options.document_timeout = document_timeout;
  options.text_bytes_max = 64 << 20;
  ExtractorPool pool(options);
  const std::vector<HostileFixture> set = fixtures::hostile_set();
  const Fixture good = fixtures::feature_set().front();
  const HostileFixture survivor{good.name, [&] { return good.bytes; }, {Outcome::done}, {}, {}};
  for (std::size_t begin = 0; begin < set.size(); begin += batch) {
    std::vector<const HostileFixture*> fixtures;
    for (std::size_t i = begin; i < std::min(begin + batch, set.size()); ++i)
      if (!is_spared(set[i])) fixtures.push_back(&set[i]);
    fixtures.push_back(&survivor);
    const std::vector<Extraction> extractions = extract_all(pool, fixtures);
    for (std::size_t i = 0; i < fixtures.size(); ++i) {
      const HostileFixture& fixture = *fixtures[i];
      const Extraction& extraction = extractions[i];
      INFO(fixture.name << ": " << name_of(extraction.outcome) << " " << extraction.message);
      CHECK(std::count(fixture.outcomes.begin(), fixture.outcomes.end(), extraction.outcome) == 1);
      CHECK(extraction.busy <= document_timeout + std::chrono::seconds(1));
      if (extraction.outcome != Outcome::done) continue;
      CHECK(extraction.text.utf8.find(fixture.text) != std::string::npos);
      CHECK(extraction.text.page_ends.size() == extraction.pages);
    }
  }
}

}  // namespace
}  // namespace penstock
