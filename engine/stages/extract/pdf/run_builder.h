// Makes runs of glyphs out of what the interpreter shows.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "engine/stages/extract/layout/page_glyphs.h"
#include "engine/stages/extract/pdf/budget.h"
#include "engine/stages/extract/pdf/font.h"

namespace penstock::pdf {

struct Point {
  double x = 0, y = 0;
};

// How the glyphs of a run stand: the same for all of it.
struct RunStyle {
  Point direction{1, 0};  // unit vector
  double height = 1;
  bool vertical = false;
  bool hidden = false;
};

class RunBuilder {
 public:
  void begin_page(layout::PageGlyphs& page, Warning& warning) {
    page_ = &page;
    warning_ = &warning;
    open_ = false;
  }

  bool is_open() const { return open_; }
  void open(Point start, const RunStyle& style);
  // While open.
  void append(const Glyph& glyph) {
    if (size_ + glyph.text.size() > text_.size()) flush();
    // Copying a fixed number of bytes is cheaper than copying the right number.
    std::memcpy(text_.data() + size_, glyph.text.data(), glyph.text.size());
    size_ += glyph.text_bytes;
  }
  void append(std::string_view utf8);
  void close(Point end);

 private:
  void flush();
  void add(std::string_view utf8);

  layout::PageGlyphs* page_ = nullptr;
  Warning* warning_ = nullptr;
  bool open_ = false;
  layout::GlyphRun run_;
  std::array<char, 1024> text_;
  std::size_t size_ = 0;
};

}  // namespace penstock::pdf
