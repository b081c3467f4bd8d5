#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/gate/content.h"
#include "loadgen/gate/word_order.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Numbers = std::vector<std::uint32_t>;

std::string document_line(const std::string& key, const std::string& outcome, int pages) {
  return R"({"event":"document","key":")" + key + R"(","outcome":")" + outcome + R"(","pages":)" +
         std::to_string(pages) + R"(,"times":{"started":1000,"done":1250}})" + "\n";
}

std::string chunk_line(const std::string& key, int ordinal, int page_first, int page_last,
                       int begin, const std::string& text) {
  return R"({"event":"chunk","key":")" + key + R"(","ordinal":)" + std::to_string(ordinal) +
         R"(,"page_first":)" + std::to_string(page_first) + R"(,"page_last":)" +
         std::to_string(page_last) + R"(,"char_begin":)" + std::to_string(begin) +
         R"(,"char_end":)" + std::to_string(begin + static_cast<int>(text.size())) +
         R"(,"tokens":3,"text":")" + text + "\"}\n";
}

// A document of as many pages, a chunk each, of which page n says "n one n two ...".
std::string book(const std::string& key, int pages, int without = 0) {
  std::string lines = document_line(key, "done", pages);
  int at = 0;
  for (int page = 1; page <= pages; ++page) {
    std::string text;
    for (const std::string word : {"alpha", "beta", "gamma", "delta"})
      if (page != without || word != "gamma") text += word + std::to_string(page) + " ";
    lines += chunk_line(key, page - 1, page, page, at, text);
    at += static_cast<int>(text.size());
  }
  return lines;
}

GateContent compared(const std::string& baseline, const std::string& candidate) {
  return compare_content(read_export(baseline, "/corpus/"), read_export(candidate, "/corpus/"), {},
                         {});
}

TEST_CASE("export: what chunks repeat of their predecessors is read once") {
  const std::string lines = document_line("/corpus/a.pdf", "done", 1) +
                            chunk_line("/corpus/a.pdf", 0, 1, 1, 0, "one two three ") +
                            chunk_line("/corpus/a.pdf", 1, 1, 1, 8, "three four");
  const Exported exported = read_export(lines, "/corpus/");
  REQUIRE(exported.size() == 1);
  const ExportedDocument& document = exported.at("a.pdf");
  CHECK(document.text == "one two three four");
  CHECK(document.words.size() == 4);
  CHECK(document.chunks == 2);
  CHECK(document.chunks_twice == 0);
  CHECK(document.tokens == 6);
  CHECK(document.times.at("done") - document.times.at("started") == 250);
}

TEST_CASE("export: characters are counted, and not bytes") {
  const std::string lines =
      document_line("a", "done", 1) +
      R"({"event":"chunk","key":"a","ordinal":0,"char_begin":0,"char_end":5,"text":"äö üß"})"
      "\n"
      R"({"event":"chunk","key":"a","ordinal":1,"char_begin":3,"char_end":8,"text":"üß 漢字"})"
      "\n";
  CHECK(read_export(lines, {}).at("a").text == "äö üß 漢字");
}

TEST_CASE("export: words lie evenly between the first page of their chunk and its last") {
  const std::string lines =
      document_line("a", "done", 4) + chunk_line("a", 0, 1, 4, 0, "one two six ten");
  const ExportedDocument document = read_export(lines, {}).at("a");
  REQUIRE(document.words.size() == 4);
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(document.words[i].page == i + 1);
}

TEST_CASE("export: lines that are none of it are passed over") {
  CHECK(read_export("penstock: a warning\n\n{\"event\":\"other\"}\n", {}).empty());
}

TEST_CASE("content: the same twice has no difference") {
  const GateContent content = compared(book("/corpus/a.pdf", 100), book("/corpus/a.pdf", 100));
  CHECK(content.baseline.pages == 100);
  CHECK(content.baseline.words == 400);
  CHECK(content.baseline.done == 1);
  CHECK(content.words_lost + content.words_added + content.words_moved == 0);
  CHECK(content.documents_different == 0);
  CHECK(content.differences.empty());
}

TEST_CASE("content: a word that is lost on a page of a hundred is found with its page") {
  const GateContent content = compared(book("/corpus/a.pdf", 100), book("/corpus/a.pdf", 100, 42));
  CHECK(content.words_lost == 1);
  CHECK(content.words_added == 0);
  CHECK(content.words_moved == 0);
  CHECK(content.pages_with_loss == 1);
  REQUIRE(content.differences.size() == 1);
  CHECK(content.differences[0].document == "a.pdf");
  CHECK(content.differences[0].what == "1 of 400 words lost, about page 42");
}

TEST_CASE("content: a chunk that is there twice loses no word and is counted") {
  const std::string lines = document_line("a", "done", 1) + chunk_line("a", 0, 1, 1, 0, "one two ");
  for (const int ordinal : {0, 1}) {
    const GateContent content =
        compared(lines, lines + chunk_line("a", ordinal, 1, 1, 0, "one two "));
    CHECK(content.candidate.chunks_twice == 1);
    CHECK(content.candidate.chunks == 2);
    CHECK(content.candidate.words == 2);
    CHECK(content.words_added == 0);
    REQUIRE(content.differences.size() == 1);
    CHECK(content.differences[0].what == "1 of 2 chunks twice; 1 chunks, now 2; 3 tokens, now 6");
  }
}

TEST_CASE("content: another outcome is the worst that differs") {
  const std::string before =
      document_line("a", "done", 1) + chunk_line("a", 0, 1, 1, 0, "one") + book("b", 3);
  const std::string after = document_line("a", "corrupt", 0) + book("b", 3, 2);
  const GateContent content = compared(before, after);
  CHECK(content.baseline.done == 2);
  CHECK(content.candidate.done == 1);
  CHECK(content.candidate.documents == 2);
  REQUIRE(content.differences.size() == 2);
  CHECK(content.differences[0].document == "a");
  CHECK_THAT(content.differences[0].what, ContainsSubstring("done, now corrupt"));
}

TEST_CASE("content: a document that is missing has lost all of its words and pages") {
  const GateContent content = compared(book("a", 3) + book("b", 2), book("a", 3));
  CHECK(content.words_lost == 8);
  CHECK(content.pages_with_loss == 2);
  REQUIRE(content.differences.size() == 1);
  CHECK(content.differences[0].what == "done, not in the candidate");
}

TEST_CASE("content: what was moved is neither lost nor added") {
  const auto lines = [](const std::string& text) {
    return document_line("a", "done", 1) + chunk_line("a", 0, 1, 1, 0, text);
  };
  const GateContent content =
      compared(lines("one two three four five"), lines("four five one two three"));
  CHECK(content.words_lost == 0);
  CHECK(content.words_added == 0);
  CHECK(content.words_moved == 2);
}

TEST_CASE("content: searches differ by their hits and by their order") {
  const std::vector<Found> before = {{"a", "b"}, {"a", "b"}, {"a"}};
  const std::vector<Found> after = {{"a", "b"}, {"b", "a"}, {}};
  const GateContent content = compare_content({}, {}, before, after);
  CHECK(content.searches == 3);
  CHECK(content.searches_different == 2);
}

TEST_CASE("word order: a longest common subsequence is found") {
  CHECK(kept_in_order(Numbers{}, Numbers{1}).empty());
  CHECK(kept_in_order(Numbers{1, 2, 3}, Numbers{}) == std::vector<bool>{false, false, false});
  CHECK(kept_in_order(Numbers{1, 2, 3, 4}, Numbers{2, 4, 3, 5}) ==
        std::vector<bool>{false, true, false, true});
  CHECK(kept_in_order(Numbers{9, 1, 2, 8, 3}, Numbers{1, 2, 3, 7}) ==
        std::vector<bool>{false, true, true, false, true});
}

TEST_CASE("word order: texts without a word in common end, however long") {
  Numbers a;
  Numbers b;
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    a.push_back(i);
    b.push_back(i + 5'000);
  }
  a.push_back(20'000);
  b.push_back(20'000);
  const std::vector<bool> kept = kept_in_order(a, b);
  CHECK(std::count(kept.begin(), kept.end(), true) <= 1);
}

TEST_CASE("word order: beyond a long difference the search goes on") {
  Numbers a;
  Numbers b;
  for (std::uint32_t i = 0; i < 1'500; ++i) a.push_back(10'000 + i);
  for (std::uint32_t i = 0; i < 100; ++i) {
    a.push_back(i);
    b.push_back(i);
  }
  const std::vector<bool> kept = kept_in_order(a, b);
  CHECK(std::count(kept.begin(), kept.end(), true) > 0);
}

}  // namespace
}  // namespace penstock
