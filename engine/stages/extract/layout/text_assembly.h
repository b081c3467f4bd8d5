// Glyphs on a page to the text a person would read: words, lines and paragraphs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/stages/extract/layout/columns.h"
#include "engine/stages/extract/layout/page_glyphs.h"
#include "engine/stages/extract/layout/repeats.h"
#include "engine/stages/extract/layout/right_to_left.h"
#include "engine/stages/extract/layout/scripts.h"
#include "engine/stages/extract/layout/spans.h"

namespace penstock::layout {

// Keeps what it allocated from page to page. One thread.
class TextAssembly {
 public:
  // Appends the page's raw text, ready for append_clean_page(): words with spaces between them,
  // lines that end with '\n', paragraphs parted by an empty line, letters in logical order.
  void append_page(const PageGlyphs& page, std::string& raw);

 private:
  // Spans on one baseline, one after the other.
  struct Line {
    std::uint32_t first = 0, end = 0;  // spans, half open
    std::uint32_t bytes = 0;
    float ux = 1, uy = 0;
    float begin = 0, stop = 0;
    float base = 0;
    float height = 0;
    bool right_to_left = false;
    bool sorted = true;  // its spans begin one behind the other
  };

  void append_lines(const PageGlyphs& page, std::string& raw);
  void collect_lines();
  bool continues(const Line& line, const Span& span) const;
  bool ends_paragraph(std::size_t line) const;
  float line_gap(std::size_t line) const;
  void append_line(const PageGlyphs& page, const Line& line, std::string& raw);
  void append_right_to_left(const PageGlyphs& page, const Line& line, std::string& raw);
  void append_span(const PageGlyphs& page, const Span& span, std::string& raw) const;

  PageGlyphs turned_;
  TextTraits traits_;
  Spans spans_;
  Repeats repeats_;
  Columns columns_;
  std::vector<Line> lines_;
  RightToLeft right_to_left_;
};

}  // namespace penstock::layout
