#include "engine/stages/extract/pdf/text_assembly.h"

#include <string>
#include <string_view>

#include "engine/stages/extract/pdf/page_glyphs.h"
#include "test/support/catch.h"

namespace penstock::pdf {
namespace {

// A page of 600 by 800 points, whose runs are of size 10 and have glyphs 5 wide unless said
// otherwise.
class Page {
 public:
  Page() { glyphs_.box = {0, 0, 600, 800}; }

  // A run of `codes` glyphs from (x, y) on.
  GlyphRun& show(float x, float y, std::string_view text, float size = 10) {
    float codes = 0;
    for (const char c : text) codes += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    GlyphRun run;
    run.text_begin = static_cast<std::uint32_t>(glyphs_.utf8.size());
    glyphs_.utf8 += text;
    run.text_end = static_cast<std::uint32_t>(glyphs_.utf8.size());
    run.x0 = x;
    run.y0 = y;
    run.x1 = x + codes * size / 2;
    run.y1 = y;
    run.height = size;
    return glyphs_.runs.emplace_back(run);
  }

  std::string text() const {
    std::string raw;
    TextAssembly().append_page(glyphs_, raw);
    return raw;
  }

 private:
  PageGlyphs glyphs_;
};

TEST_CASE("text assembly: an empty page has no text") {
  CHECK(Page().text().empty());
}

TEST_CASE("text assembly: a gap between runs is a space, kerning is none") {
  Page page;
  page.show(100, 700, "wa");
  page.show(109.5, 700, "ter");
  page.show(127, 700, "wheel");
  CHECK(page.text() == "water wheel\n");
}

TEST_CASE("text assembly: no space is doubled") {
  Page page;
  page.show(100, 700, "water ");
  page.show(135, 700, " wheel  turns");
  page.show(200, 700, " ");
  page.show(210, 700, "on");
  CHECK(page.text() == "water wheel turns on\n");
}

TEST_CASE("text assembly: what is lower stands on a line of its own") {
  Page page;
  page.show(100, 700, "one");
  page.show(100, 688, "two");
  CHECK(page.text() == "one\ntwo\n");
}

TEST_CASE("text assembly: raised and lowered small letters stay on their line") {
  Page page;
  page.show(100, 700, "H");
  page.show(105, 697.5, "2", 6);
  page.show(108, 700, "O is water");
  page.show(158, 704, "1", 6);
  page.show(164, 700, "here");
  CHECK(page.text() == "H2O is water1 here\n");
}

TEST_CASE("text assembly: a wider gap between lines parts paragraphs") {
  Page page;
  page.show(100, 700, "one");
  page.show(100, 688, "two");
  page.show(100, 670, "three");
  page.show(100, 658, "four");
  CHECK(page.text() == "one\ntwo\n\nthree\nfour\n");
}

TEST_CASE("text assembly: lines that are all far apart are one paragraph") {
  Page page;
  page.show(100, 700, "one");
  page.show(100, 676, "two");
  page.show(100, 652, "three");
  CHECK(page.text() == "one\ntwo\nthree\n");
}

TEST_CASE("text assembly: a heading is a paragraph by its size") {
  Page page;
  page.show(100, 700, "Heading", 14);
  page.show(100, 686, "text");
  CHECK(page.text() == "Heading\n\ntext\n");
}

TEST_CASE("text assembly: what is outside the page is not there") {
  Page page;
  page.show(100, 700, "here");
  page.show(700, 700, "gone");
  page.show(100, -50, "gone");
  page.show(100, 900, "gone");
  CHECK(page.text() == "here\n");
}

TEST_CASE("text assembly: right-to-left lines are in logical order") {
  Page page;
  SECTION("shown as they look") {
    page.show(100, 700, "\u05d3\u05d2 \u05d1\u05d0");
  }
  SECTION("shown glyph by glyph from the right") {
    page.show(120, 700, "\u05d0");
    page.show(115, 700, "\u05d1");
    page.show(105, 700, "\u05d2");
    page.show(100, 700, "\u05d3");
  }
  CHECK(page.text() == "\u05d0\u05d1 \u05d2\u05d3\n");
}

TEST_CASE("text assembly: numbers and Latin words within right-to-left lines keep their order") {
  Page page;
  page.show(100, 700, "(\u05d3 Old Mill \u05d2) 31/12/1999 \u05d1\u05d0");
  CHECK(page.text() == "\u05d0\u05d1 31/12/1999 (\u05d2 Old Mill \u05d3)\n");
}

TEST_CASE("text assembly: Arabic presentation forms become letters") {
  Page page;
  page.show(100, 700, "\uFEE1\uFEFC\uFEB3");
  CHECK(page.text() == "\u0633\u0644\u0627\u0645\n");
}

}  // namespace
}  // namespace penstock::pdf
