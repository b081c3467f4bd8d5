#include <simdjson.h>

#include <future>
#include <random>
#include <string>
#include <vector>

#include "engine/stages/extract/extractor_pool.h"
#include "fixtures/fixture.h"
#include "fixtures/word_agreement.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

ExtractorPoolOptions options_with(const char* program) {
  ExtractorPoolOptions options;
  options.program = program;
  options.children = 2;
  return options;
}

ExtractorPoolOptions hostile() {
  return options_with(PENSTOCK_HOSTILE_CHILD);
}

// The outcomes of documents that are in the pool together.
std::vector<Extraction> extract_all(ExtractorPool& pool,
                                    const std::vector<std::string>& documents) {
  std::vector<MemoryFile> files;
  std::vector<std::promise<Extraction>> promises(documents.size());
  for (const std::string& document : documents) files.push_back(*MemoryFile::of(document));
  for (std::size_t i = 0; i < files.size(); ++i)
    pool.extract(files[i], Lane::bulk,
                 [&, i](Extraction extraction) { promises[i].set_value(std::move(extraction)); });
  std::vector<Extraction> extractions;
  for (std::promise<Extraction>& promise : promises)
    extractions.push_back(promise.get_future().get());
  return extractions;
}

Extraction extract_one(ExtractorPool& pool, const std::string& document) {
  return std::move(extract_all(pool, {document}).front());
}

TEST_CASE("extract: each fixture has its outcome, its pages and its words") {
  ExtractorPool pool(options_with(PENSTOCK_EXTRACTOR_CHILD));
  for (const fixtures::Fixture& fixture : fixtures::sample_set(1)) {
    INFO(fixture.name);
    const Extraction extraction = extract_one(pool, fixture.bytes);
    CHECK(name_of(extraction.outcome) == name_of(fixture.outcome));
    if (extraction.outcome != Outcome::done || fixture.outcome != Outcome::done) continue;
    CHECK(extraction.pages == fixture.pages);
    CHECK(extraction.text.page_ends.size() == fixture.pages);
    INFO(extraction.text.utf8);
    CHECK(fixtures::word_agreement(fixture.text, extraction.text.utf8) > 0.995);
    // Stock Poppler reads a footer before the last column, and turned text before a heading.
    CHECK(fixtures::order_agreement(fixture.text, extraction.text.utf8) > 0.89);
  }
}

TEST_CASE("extract: a crash, a hang and a memory bomb cost only themselves") {
  ExtractorPoolOptions options = hostile();
  options.document_timeout = std::chrono::milliseconds(1500);
  options.memory_bytes_max = 256 << 20;
  ExtractorPool pool(options);
  const std::vector<Extraction> extractions =
      extract_all(pool, {"text", "crash", "text", "hang", "text", "abort", "text", "exit", "text"});
  const Outcome expected[] = {Outcome::done,      Outcome::crashed, Outcome::done,
                              Outcome::timed_out, Outcome::done,    Outcome::crashed,
                              Outcome::done,      Outcome::crashed, Outcome::done};
  for (std::size_t i = 0; i < extractions.size(); ++i)
    CHECK(name_of(extractions[i].outcome) == name_of(expected[i]));
  CHECK(extractions[5].message == "the extractor crashed on it (Aborted)");
  CHECK(extractions[3].message == "extraction took longer than 1.5 s");
}

#ifndef PENSTOCK_SANITIZED
TEST_CASE("extract: a child that allocates without end is out of memory") {
  ExtractorPoolOptions options = hostile();
  options.memory_bytes_max = 256 << 20;
  ExtractorPool pool(options);
  CHECK(extract_one(pool, "allocate").outcome == Outcome::out_of_memory);
  CHECK(extract_one(pool, "text").outcome == Outcome::done);
}

TEST_CASE("extract: a child that calls what it must not is stopped") {
  ExtractorPool pool(hostile());
  for (const char* act : {"fork", "connect", "execute"}) {
    INFO(act);
    const Extraction extraction = extract_one(pool, act);
    CHECK(extraction.outcome == Outcome::crashed);
    CHECK(extraction.message == "tried a forbidden system call, and was stopped");
  }
}
#endif

TEST_CASE("extract: a child can neither read nor make files") {
  ExtractorPool pool(hostile());
  if (pool.status().landlock_abi == 0) {
    WARN("this kernel has no Landlock");
    return;
  }
  CHECK(extract_one(pool, "open").text.utf8 == "denied");
  CHECK(extract_one(pool, "create").text.utf8 == "denied");
}

TEST_CASE("extract: a child that lies is not believed") {
  ExtractorPool pool(hostile());
  for (const char* lie : {"lie in bytes", "lie with NUL", "lie in outcome"}) {
    INFO(lie);
    CHECK(extract_one(pool, lie).outcome == Outcome::crashed);
  }
  CHECK(extract_one(pool, "text").text.utf8 == "text\n");
}

TEST_CASE("extract: twenty crashes in a row do not stop the pool") {
  ExtractorPool pool(hostile());
  std::vector<std::string> documents(20, "crash");
  documents.push_back("text");
  const std::vector<Extraction> extractions = extract_all(pool, documents);
  for (std::size_t i = 0; i < 20; ++i) CHECK(extractions[i].outcome == Outcome::crashed);
  CHECK(extractions.back().outcome == Outcome::done);
}

TEST_CASE("extract: page ranges are put together in the order of pages") {
  ExtractorPoolOptions options = hostile();
  options.pages_per_range = 3;
  ExtractorPool pool(options);
  const Extraction extraction = extract_one(pool, "pages");
  CHECK(extraction.text.utf8 ==
        "page 1\npage 2\npage 3\npage 4\npage 5\npage 6\npage 7\npage 8\npage 9\npage 10\n");
  CHECK(extraction.text.page_ends ==
        std::vector<std::size_t>{7, 14, 21, 28, 35, 42, 49, 56, 63, 71});
}

TEST_CASE("extract: a crash in one range is the whole document's outcome") {
  ExtractorPoolOptions options = hostile();
  options.pages_per_range = 3;
  ExtractorPool pool(options);
  CHECK(extract_one(pool, "crash on page 5").outcome == Outcome::crashed);
  CHECK(extract_one(pool, "pages").pages == 10);
}

TEST_CASE("extract: more text than the limit is too_large") {
  ExtractorPoolOptions options = hostile();
  options.text_bytes_max = 20;
  ExtractorPool pool(options);
  CHECK(extract_one(pool, "pages").outcome == Outcome::too_large);
}

TEST_CASE("extract: a program that is no child is a clear error at start") {
  CHECK_THROWS_AS(ExtractorPool(options_with("/bin/true")), FatalError);
  CHECK_THROWS_AS(ExtractorPool(options_with("/nonexistent")), FatalError);
}

TEST_CASE("extract: damage of any kind is one document's outcome, and text that is fit to store") {
  ExtractorPool pool(options_with(PENSTOCK_EXTRACTOR_CHILD));
  std::mt19937 random(20261124);
  std::vector<std::string> damaged;
  for (const fixtures::Fixture& fixture : fixtures::sample_set(1)) {
    if (fixture.bytes.empty()) continue;
    for (int round = 0; round < 8; ++round) {
      std::string bytes = fixture.bytes;
      const auto somewhere = [&] { return random() % bytes.size(); };
      for (int hits = 1 << round % 6; hits > 0; --hits) bytes[somewhere()] ^= 1 << random() % 8;
      if (round == 6) bytes.resize(somewhere());
      if (round == 7) bytes.erase(somewhere(), 1 + random() % 100);
      if (round >= 6) bytes += fixture.bytes.substr(0, random() % 200);
      damaged.push_back(std::move(bytes));
    }
  }
  const std::vector<Extraction> extractions = extract_all(pool, damaged);
  CHECK(extractions.size() == damaged.size());
  std::size_t readable = 0;
  for (const Extraction& extraction : extractions) {
    if (extraction.outcome != Outcome::done) continue;
    ++readable;
    CHECK(simdjson::validate_utf8(extraction.text.utf8.data(), extraction.text.utf8.size()));
    CHECK(extraction.text.page_ends.size() == extraction.pages);
    CHECK(extraction.text.page_ends.back() == extraction.text.utf8.size());
  }
  CHECK(readable > damaged.size() / 8);
  CHECK(extract_one(pool, "text").outcome == Outcome::done);
}

TEST_CASE("extract: an empty file has no text") {
  ExtractorPool pool(options_with(PENSTOCK_EXTRACTOR_CHILD));
  CHECK(extract_one(pool, "").outcome == Outcome::no_text);
}

}  // namespace
}  // namespace penstock
