// What the interpreter finds on a page, and text assembly makes lines and paragraphs of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::layout {

// Glyphs that stand on one baseline without a visible gap between them, in the order in which the
// page shows them. Coordinates are points in the page's own space, y upward, before /Rotate.
struct GlyphRun {
  // Its UTF-8 in PageGlyphs::utf8, half open; never empty. One glyph of several right-to-left
  // letters (lam-alef) has the last of them first, as glyphs of one letter would stand.
  std::uint32_t text_begin = 0;
  std::uint32_t text_end = 0;
  float x0 = 0, y0 = 0;   // the origin of the first glyph
  float x1 = 0, y1 = 0;   // where the advance of the last one ends, character spacing left out
  float ux = 1, uy = 0;   // unit vector along the baseline (vertical writing: along the column)
  float height = 0;       // the font's size on the page, above zero
  bool vertical = false;  // written top to bottom
  bool hidden = false;    // painted with neither fill nor stroke: what OCR puts behind a scan
};

// The page's /MediaBox: what stands outside is on no page. What a /CropBox hides is kept, as other
// extractors do: it may be all that tells what was cut off.
struct PageBox {
  float x0 = 0, y0 = 0, x1 = 612, y1 = 792;
};

struct PageGlyphs {
  std::string utf8;
  std::vector<GlyphRun> runs;  // in content order
  PageBox box;

  std::string_view text_of(const GlyphRun& run) const {
    return std::string_view(utf8).substr(run.text_begin, run.text_end - run.text_begin);
  }
  void clear() {
    utf8.clear();
    runs.clear();
    box = {};
  }
};

}  // namespace penstock::layout
