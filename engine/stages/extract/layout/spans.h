// Runs of glyphs to spans: what stands on one baseline, one after the other, without a hole.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/stages/extract/layout/page_glyphs.h"
#include "engine/stages/extract/layout/scripts.h"

namespace penstock::layout {

// What a run is to the text of its span.
enum class Joint : std::uint8_t { next, after_space, dropped };

// Runs with consecutive numbers. Positions are along and across the span's own direction, so that
// upright, rotated and vertical text are the same from here on: the text's next line has a smaller
// `base`, whatever way the page is turned.
struct Span {
  std::uint32_t first = 0, end = 0;  // runs, half open
  std::uint32_t bytes = 0;           // of their text
  float ux = 1, uy = 0;
  float begin = 0, stop = 0;  // the least and the greatest along the direction
  float base = 0;             // across it, where the largest of the text stands
  float height = 0;
  bool hidden = false;
  bool right_to_left = false;   // has letters of such a script
  bool spaced_letters = false;  // has four single letters in a row that stand apart
  bool after_space = false;     // a space was shown before it
};

// Lengths in heights of the text.
constexpr float space_gap = 0.13F;   // kerning stays below 0.09, the tightest word gap above 0.2
constexpr float hole_gap = 1.2F;     // more is a column's or a table cell's; gutters begin at 1.5
constexpr float overlap_max = 1.5F;  // accents and negations are put back over their letter

// Whether two texts stand on one line, given both's base and height. A superscript of half the
// height is raised by 0.4; lines set solid are 1 apart.
inline bool on_one_base(float base_a, float height_a, float base_b, float height_b) {
  const float large = std::max(height_a, height_b);
  const float small = std::min(height_a, height_b);
  return std::fabs(base_a - base_b) <= std::min(0.5F * large, 1.1F * small);
}

inline bool same_direction(float ux_a, float uy_a, float ux_b, float uy_b) {
  return ux_a * ux_b + uy_a * uy_b > 0.998F;  // 3.6 degrees
}

class Spans {
 public:
  // The page's spans in content order, in place of the previous page's.
  void collect(const PageGlyphs& page, const TextTraits& traits);

  std::vector<Span>& spans() { return spans_; }
  const std::vector<Span>& spans() const { return spans_; }
  Joint joint(std::uint32_t run) const { return joints_[run]; }

 private:
  // Where a run stands, in the frame of the run before it.
  struct Place {
    float begin, stop, base;
  };
  // The run before.
  struct Cursor {
    std::uint32_t run = 0;
    float ux = 1, uy = 0;
    float begin = 0, stop = 0;
    std::uint32_t singles = 0;  // single letters in a row, each apart from the one before
    bool blank = false;         // a space was shown since
  };

  void take(const PageGlyphs& page, std::uint32_t number);
  bool meets_last(const PageGlyphs& page, const GlyphRun& run) const;
  bool repeats_last(const PageGlyphs& page, std::uint32_t number);
  bool bends_on(const PageGlyphs& page, const GlyphRun& run) const;
  float end_of_text(std::string_view text, const Place& at) const;
  bool is_space(const PageGlyphs& page, std::string_view text, float gap, float height) const;
  void start_span(const PageGlyphs& page, std::uint32_t number, bool right_to_left);
  void extend_span(const PageGlyphs& page, std::uint32_t number, Place at, bool right_to_left);

  std::vector<Joint> joints_;  // by run
  std::vector<Span> spans_;
  Cursor cursor_;
  TextTraits traits_;
};

}  // namespace penstock::layout
