#include "engine/service/multipart.h"

#include <string>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

struct Parsed {
  std::vector<FormPart> parts;
  std::vector<std::string> contents;
  std::string failure;  // empty: the form is whole
};

// The form, fed in pieces of this size.
Parsed parse(const std::string& body, std::size_t piece) {
  Parsed parsed;
  MultipartParser parser("xyz", {[&](const FormPart& part) -> Result<void> {
                                   parsed.parts.push_back(part);
                                   parsed.contents.emplace_back();
                                   return {};
                                 },
                                 [&](std::string_view bytes) -> Result<void> {
                                   parsed.contents.back().append(bytes);
                                   return {};
                                 }});
  for (std::size_t at = 0; at < body.size(); at += piece)
    if (const auto fed = parser.feed(std::string_view(body).substr(at, piece)); !fed) {
      parsed.failure = fed.error().message;
      return parsed;
    }
  if (const auto whole = parser.finish(); !whole) parsed.failure = whole.error().message;
  return parsed;
}

const std::string two_parts =
    "a preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"lane\"\r\n\r\nbulk\r\n"
    "--xyz \t\r\nCONTENT-TYPE: application/pdf\r\n"
    "content-disposition: form-data; name=file; filename=\"C:\\docs\\a \\\"b\\\".pdf\"\r\n\r\n"
    "\r\n--xy\r\n--xya\r\r\n-\r\n--xyz--\r\nan epilogue";

TEST_CASE("multipart: however it is cut it has the same parts") {
  for (std::size_t piece = 1; piece <= two_parts.size(); ++piece) {
    INFO(piece);
    const Parsed parsed = parse(two_parts, piece);
    REQUIRE(parsed.failure.empty());
    REQUIRE(parsed.parts.size() == 2);
    CHECK(parsed.parts[0].name == "lane");
    CHECK(parsed.contents[0] == "bulk");
    CHECK(parsed.parts[1].name == "file");
    CHECK(parsed.parts[1].file_name == "a \"b\".pdf");
    CHECK(parsed.parts[1].media_type == "application/pdf");
    CHECK(parsed.contents[1] == "\r\n--xy\r\n--xya\r\r\n-");
  }
}

TEST_CASE("multipart: however it is cut it is refused for the same length") {
  const auto with_padding = [](std::size_t blanks) {
    return "--xyz" + std::string(blanks, ' ') + "\r\n\r\n\r\n--xyz--";
  };
  const auto with_head = [](std::size_t bytes) {
    return "--xyz\r\n" + ("A:" + std::string(bytes - 4, 'a')) + "\r\n\r\n\r\n--xyz--";
  };
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    INFO(piece);
    CHECK(parse(with_padding(64), piece).failure.empty());
    CHECK(parse(with_padding(65), piece).failure ==
          "the form is malformed: a boundary has no line of its own");
    CHECK(parse(with_head(8 << 10), piece).failure.empty());
    CHECK(parse(with_head((8 << 10) + 1), piece).failure ==
          "the form is malformed: a part's head is too long");
  }
}

TEST_CASE("multipart: a boundary at once begins and ends a form") {
  CHECK(parse("--xyz--", 7).failure.empty());
  const Parsed empty = parse("--xyz\r\n\r\n\r\n--xyz--", 1);
  REQUIRE(empty.parts.size() == 1);
  CHECK(empty.parts[0].name.empty());
  CHECK(empty.contents[0].empty());
}

TEST_CASE("multipart: what is no form is refused in words") {
  for (const auto& [body, failure] : std::vector<std::pair<std::string, std::string>>{
           {"", "it ends before its last boundary"},
           {"--xyz\r\n", "it ends before its last boundary"},
           {"--xyz\r\n\r\nbytes", "it ends before its last boundary"},
           {"--xyzzy\r\n\r\n\r\n--xyz--", "a boundary has no line of its own"},
           {"--xyz" + std::string(100, ' '), "a boundary has no line of its own"},
           {"--xyz\r\nno colon\r\n\r\n\r\n--xyz--", "a part's head has a line without a colon"},
           {"--xyz\r\nA: " + std::string(9000, 'a'), "a part's head is too long"}}) {
    INFO(body.substr(0, 40));
    CHECK(parse(body, 4096).failure == "the form is malformed: " + failure);
  }
}

TEST_CASE("multipart: what an event refuses ends the form") {
  MultipartParser parser("xyz", {[](const FormPart&) { return permanent_error("no"); },
                                 [](std::string_view) { return Result<void>(); }});
  const auto fed = parser.feed("--xyz\r\n\r\nbytes");
  REQUIRE_FALSE(fed.has_value());
  CHECK(fed.error().message == "no");
}

TEST_CASE("multipart: a boundary is that of the content type") {
  CHECK(form_boundary("multipart/form-data; boundary=abc") == "abc");
  CHECK(form_boundary("Multipart/Form-Data; charset=x; BOUNDARY=\"a b\"") == "a b");
  for (const char* none : {"", "multipart/mixed; boundary=abc", "multipart/form-data",
                           "multipart/form-data; boundary=", "text/plain; boundary=abc"}) {
    INFO(none);
    CHECK_FALSE(form_boundary(none).has_value());
  }
  CHECK_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')).has_value());
}

TEST_CASE("multipart: a file name may come percent-encoded") {
  const Parsed parsed = parse(
      "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"; "
      "filename*=UTF-8''%C3%A9%20a/b.pdf\r\n\r\n\r\n--xyz--",
      1000);
  REQUIRE(parsed.parts.size() == 1);
  CHECK(parsed.parts[0].file_name == "b.pdf");
}

}  // namespace
}  // namespace penstock
