#include "engine/stages/extract/layout/text_assembly.h"

#include <cmath>
#include <string>
#include <string_view>

#include "engine/stages/extract/layout/page_glyphs.h"
#include "test/support/catch.h"

namespace penstock::layout {
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
    TextAssembly unused;
    return text(unused);
  }
  std::string text(TextAssembly& assembly) const {
    std::string raw;
    assembly.append_page(glyphs_, raw);
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

TEST_CASE("text assembly: an initial takes no spaces from the words behind it") {
  Page page;
  page.show(100, 700, "W", 30);
  page.show(115, 700, "ater");
  page.show(138, 700, "wheel");
  page.show(166, 700, "turns");
  CHECK(page.text() == "Water wheel turns\n");
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

TEST_CASE("text assembly: letter-spaced words become words again") {
  Page page;
  SECTION("by gaps") {
    float x = 100;
    for (const char letter : std::string_view("MILL POND")) {
      if (letter != ' ') page.show(x, 700, std::string(1, letter));
      x += 7;
    }
  }
  SECTION("by spaces") {
    page.show(100, 700, "M I L L  P O N D");
  }
  CHECK(page.text() == "MILL POND\n");
}

TEST_CASE("text assembly: single letters that stand as far apart as words are no word") {
  Page page;
  page.show(100, 700, "axes");
  page.show(123, 700, "p");
  page.show(131, 700, "x");
  page.show(139, 700, "r");
  page.show(147, 700, "k");
  CHECK(page.text() == "axes p x r k\n");
}

TEST_CASE("text assembly: what is shown twice in one place is there once") {
  Page page;
  SECTION("one after the other") {
    page.show(100, 700, "Heading");
    page.show(100.4F, 699.7F, "Heading");
  }
  SECTION("word by word, cut in another way the second time") {
    page.show(100, 700, "Head");
    page.show(100.4F, 700, "Head");
    page.show(120, 700, "ing");
    page.show(120.4F, 700, "ing ");
  }
  SECTION("after other text") {
    page.show(100, 700, "Heading");
    page.show(100, 688, "text");
    page.show(100.4F, 700, "Heading ");
    CHECK(page.text() == "Heading\ntext\n");
    return;
  }
  CHECK(page.text() == "Heading\n");
}

TEST_CASE("text assembly: narrow letters that are doubled stay") {
  Page page;
  page.show(100, 700, "l").x1 = 101;
  page.show(101, 700, "l").x1 = 102;
  CHECK(page.text() == "ll\n");
}

TEST_CASE("text assembly: hidden text over the same visible words is left out") {
  Page page;
  page.show(100, 700, "The mill stands still.");
  page.show(101, 701, "The mill stonds still.").hidden = true;
  page.show(100, 600, "A scan's words").hidden = true;
  CHECK(page.text() == "The mill stands still.\n\nA scan's words\n");
}

TEST_CASE("text assembly: hidden text on a page of its own is text") {
  Page page;
  page.show(100, 700, "A scan's words").hidden = true;
  CHECK(page.text() == "A scan's words\n");
}

TEST_CASE("text assembly: columns of prose that are shown row by row are read one by one") {
  Page page;
  std::string left;
  std::string right;
  for (int line = 0; line < 8; ++line) {
    const auto y = static_cast<float>(700 - 12 * line);
    const std::string number = std::to_string(line);
    page.show(100, y, "a line of prose on the left " + number);
    page.show(280, y, "a line of prose on the right " + number);
    left += "a line of prose on the left " + number + "\n";
    right += "a line of prose on the right " + number + "\n";
  }
  CHECK(page.text() == left + "\n" + right);
}

TEST_CASE("text assembly: a heading over two of three columns does not join them") {
  Page page;
  std::string columns[3];
  // Shown beside the first line, as the heading of a section that ends there.
  page.show(100, 712, "The wheel");
  page.show(290, 712, "a heading that is as long as two lines of prose taken together");
  for (int line = 0; line < 14; ++line) {
    const auto y = static_cast<float>(700 - 12 * line);
    float x = 100;
    for (std::string& column : columns) {
      const std::string text = "some prose on line " + std::to_string(10 + line);
      page.show(x, y, text);
      column += text + "\n";
      x += 150;
    }
  }
  const std::string text = page.text();
  CHECK(text.ends_with(columns[0] + "\n" + columns[1] + "\n" + columns[2]));
}

TEST_CASE("text assembly: what stands one above the other are two words") {
  Page page;
  page.show(100, 700, "a half:");
  const auto small = [&](float x, float y, std::string_view text) {
    GlyphRun& run = page.show(x, y, text);
    run.height = 7;
    run.x1 = run.x0 + 3.5F;
  };
  small(140, 703.5F, "1");
  small(140, 697, "2");
  CHECK(page.text() == "a half: 1 2\n");
}

TEST_CASE("text assembly: a page's text does not depend on the pages before it") {
  // A page of many repeats, which are found by a table that may be too full for all of them.
  Page page;
  for (const float shift : {0.F, 0.5F})
    for (int i = 0; i < 400; ++i)
      page.show(static_cast<float>(50 + 25 * (i % 20)) + shift,
                static_cast<float>(700 - 30 * (i / 20)), std::to_string(i % 7));
  Page large;
  for (int i = 0; i < 5'000; ++i)
    large.show(static_cast<float>(50 + 25 * (i % 20)), static_cast<float>(790 - 3 * (i / 20)), "x");
  TextAssembly used;
  large.text(used);
  CHECK(page.text(used) == page.text());
}

TEST_CASE("text assembly: a table is read row by row") {
  Page page;
  std::string rows;
  for (int line = 0; line < 8; ++line) {
    const auto y = static_cast<float>(700 - 12 * line);
    page.show(100, y, "month " + std::to_string(line));
    page.show(280, y, "water level of the pond");
    page.show(450, y, "1.5");
    rows += "month " + std::to_string(line) + " water level of the pond 1.5\n";
  }
  CHECK(page.text() == rows);
}

TEST_CASE("text assembly: a footer that is shown first has a line of its own") {
  Page page;
  page.show(100, 30, "page 7");
  page.show(100, 700, "text");
  CHECK(page.text() == "page 7\n\ntext\n");
}

TEST_CASE("text assembly: the next column begins a paragraph") {
  Page page;
  page.show(100, 700, "one");
  page.show(100, 688, "two");
  page.show(300, 700, "three");
  page.show(300, 688, "four");
  CHECK(page.text() == "one\ntwo\n\nthree\nfour\n");
}

TEST_CASE("text assembly: text is read along its own direction") {
  Page page;
  const auto [ux, uy] = GENERATE(
      table<float, float>({{0.F, 1.F}, {-1.F, 0.F}, {0.F, -1.F}, {0.8F, 0.6F}, {-0.6F, -0.8F}}));
  const auto show = [&](float along, float down, std::string_view text) {
    GlyphRun& run = page.show(0, 0, text);
    const float length = run.x1;
    run.x0 = 300 + along * ux + down * uy;
    run.y0 = 400 + along * uy - down * ux;
    run.x1 = run.x0 + length * ux;
    run.y1 = run.y0 + length * uy;
    run.ux = ux;
    run.uy = uy;
  };
  show(0, 0, "water");
  show(28, 0, "wheel");
  show(0, 12, "turns");
  CHECK(page.text() == "water wheel\nturns\n");
}

TEST_CASE("text assembly: glyphs along a curve are one word") {
  Page page;
  float x = 100;
  float y = 400;
  for (int i = 0; i < 5; ++i) {
    const float angle = 0.15F * static_cast<float>(i);
    GlyphRun& run = page.show(x, y, std::string(1, "wheel"[i]));
    run.ux = std::cos(angle);
    run.uy = std::sin(angle);
    run.x1 = x += 5 * run.ux;
    run.y1 = y += 5 * run.uy;
  }
  CHECK(page.text() == "wheel\n");
}

TEST_CASE("text assembly: vertical writing goes column by column to the left") {
  Page page;
  const auto show = [&](float x, std::string_view text) {
    GlyphRun& run = page.show(x, 700, text);
    run.y1 = 700 - 2 * (run.x1 - run.x0);
    run.x1 = x;
    run.ux = 0;
    run.uy = -1;
    run.vertical = true;
  };
  show(300, "水車は");
  show(285, "回る");
  CHECK(page.text() == "水車は\n回る\n");
}

TEST_CASE("text assembly: ideographs put one below the other are a column") {
  Page page;
  page.show(300, 700, "水").x1 = 310;
  page.show(300, 689, "車").x1 = 310;
  page.show(300, 678, "は").x1 = 310;
  page.show(285, 700, "回").x1 = 295;
  page.show(285, 689, "る").x1 = 295;
  CHECK(page.text() == "水車は\n回る\n");
}

TEST_CASE("text assembly: glyphs of a vertical font put side by side are a line") {
  Page page;
  float x = 100;
  for (const char letter : std::string_view("wheel")) {
    GlyphRun& run = page.show(x, 700, std::string(1, letter));
    run.x1 = x;
    run.y1 = 690;
    run.ux = 0;
    run.uy = -1;
    run.vertical = true;
    x += 5;
  }
  CHECK(page.text() == "wheel\n");
}

TEST_CASE("text assembly: a number shown behind the line it stands before is in front") {
  Page page;
  page.show(120, 700, "Single resident");
  page.show(100, 700, "1");
  CHECK(page.text() == "1 Single resident\n");
}

TEST_CASE("text assembly: a cell filled up with spaces stays on its row") {
  Page page;
  page.show(100, 700, "07/14/2015                    ");
  page.show(165, 700, "Chico");
  CHECK(page.text() == "07/14/2015 Chico\n");
}

TEST_CASE("text assembly: ideographs that are spread have no spaces between them") {
  Page page;
  page.show(100, 700, "水").x1 = 110;
  page.show(113, 700, "車").x1 = 123;
  page.show(125, 700, "A");
  CHECK(page.text() == "水車A\n");
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

TEST_CASE("text assembly: brackets in right-to-left lines open before they close") {
  Page page;
  SECTION("told by their look") {
    page.show(100, 700, "(\u05d1\u05d0)");
  }
  SECTION("told by their meaning") {
    page.show(100, 700, ")\u05d1\u05d0(");
  }
  CHECK(page.text() == "(\u05d0\u05d1)\n");
}

TEST_CASE("text assembly: a right-to-left word within a Latin line is in logical order") {
  Page page;
  page.show(100, 700, "the word \u05d1\u05d0 means father in it");
  CHECK(page.text() == "the word \u05d0\u05d1 means father in it\n");
}

TEST_CASE("text assembly: Arabic presentation forms become letters") {
  Page page;
  page.show(100, 700, "\uFEE1\uFEFC\uFEB3");
  CHECK(page.text() == "\u0633\u0644\u0627\u0645\n");
}

}  // namespace
}  // namespace penstock::layout
