#include "engine/stages/extract/clean_text.h"

#include <string>
#include <string_view>

#include "engine/stages/extract/plain_text.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

std::string clean(std::string_view raw, TextKind kind = TextKind::typeset) {
  std::string utf8;
  append_clean_page(raw, kind, utf8);
  return utf8;
}

TEST_CASE("clean text: hyphens at line ends are resolved") {
  CHECK(clean("infor-\nmation") == "information\n");
  CHECK(clean("infor- \r\n  mation") == "information\n");
  CHECK(clean("infor\u00ad\nmation") == "information\n");
  CHECK(clean("infor\u2010\nmation") == "information\n");
  CHECK(clean("state-of-the-\nart") == "state-of-the-art\n");
}

TEST_CASE("clean text: a hyphen that parts no word stays") {
  CHECK(clean("Baden-\nWürttemberg") == "Baden-\nWürttemberg\n");
  CHECK(clean("1990-\n1995") == "1990-\n1995\n");
  CHECK(clean("a -\nb") == "a -\nb\n");
  CHECK(clean("end-") == "end-\n");
  CHECK(clean("infor-\nmation", TextKind::plain) == "infor-\nmation\n");
}

TEST_CASE("clean text: ligatures of typeset text are letters again") {
  CHECK(clean("e\uFB00ort \uFB01rst o\uFB03ce") == "effort first office\n");
  CHECK(clean("\uFB01", TextKind::plain) == "\uFB01\n");
}

TEST_CASE("clean text: is composed, whatever came in") {
  CHECK(clean("e\u0301") == "é\n");
  CHECK(clean("\u1100\u1161") == "가\n");
}

TEST_CASE("clean text: has neither NUL nor controls nor private characters") {
  CHECK(clean(std::string_view("a\0b\x01\x7f"
                               "c",
                               6)) == "abc\n");
  CHECK(clean("a\uE000b\u0080c\uFEFFd") == "abcd\n");
  CHECK(clean("a\xff\xfe") == "a\uFFFD\uFFFD\n");
}

TEST_CASE("clean text: lines end clean, and at most one of them is blank") {
  CHECK(clean("a  \r\nb\t\n\n\n\nc\n\n") == "a\nb\n\nc\n");
  CHECK(clean(" \n \n").empty());
  CHECK(clean("").empty());
}

TEST_CASE("clean text: appends, and leaves what is there alone") {
  std::string utf8 = "before-\n";
  append_clean_page("after", TextKind::typeset, utf8);
  CHECK(utf8 == "before-\nafter\n");
}

TEST_CASE("plain text: is decoded by what it holds") {
  CHECK(decode_plain_text("Müller") == "Müller");
  CHECK(decode_plain_text("M\xfcller \x80") == "Müller €");
  CHECK(decode_plain_text(std::string_view("\xff\xfeM\0\xfc\0", 6)) == "Mü");
  CHECK(decode_plain_text(std::string_view("\xfe\xff\xd8\x3d\xdc\x4d", 6)) == "👍");
  CHECK_FALSE(decode_plain_text(std::string_view("\x7f"
                                                 "ELF\x02\0",
                                                 6))
                  .has_value());
}

TEST_CASE("plain text: form feeds part pages") {
  CHECK(split_pages("a\fb\f") == std::vector<std::string_view>{"a", "b"});
  CHECK(split_pages("").size() == 1);
}

}  // namespace
}  // namespace penstock
