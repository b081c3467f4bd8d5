#include "engine/stages/extract/layout/set_across.h"

#include <cmath>
#include <cstddef>
#include <string_view>

#include "engine/stages/extract/layout/scripts.h"
#include "engine/stages/extract/layout/spans.h"

namespace penstock::layout {
namespace {

bool is_one_glyph(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  return text.size() == (lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U);
}

bool is_one_ideograph(std::string_view text) {
  return starts_ideographic(text) && is_one_glyph(text);
}

// The origin goes from the left end of the baseline to the middle of the upper edge, and back.
void turn_down(GlyphRun& run) {
  const float ux = run.ux;
  const float uy = run.uy;
  const float h = run.height;
  run.x0 += 0.5F * h * ux - 0.88F * h * uy;
  run.y0 += 0.5F * h * uy + 0.88F * h * ux;
  run.x1 = run.x0 + h * uy;
  run.y1 = run.y0 - h * ux;
  run.ux = uy;
  run.uy = -ux;
  run.vertical = true;
}

// Whether `run` stands below `last`, both being single ideographs, and at least one of them written
// to the right. Signs that look different in vertical writing have a font of their own.
bool stands_below(const PageGlyphs& page, GlyphRun last, GlyphRun run) {
  if ((run.vertical && last.vertical) || !is_one_ideograph(page.text_of(run)) ||
      !is_one_ideograph(page.text_of(last)))
    return false;
  if (!run.vertical) turn_down(run);
  if (!last.vertical) turn_down(last);
  const float dx = run.x0 - last.x0;
  const float dy = run.y0 - last.y0;
  const float down = dx * run.ux + dy * run.uy;
  const float aside = dy * run.ux - dx * run.uy;
  return same_direction(last.ux, last.uy, run.ux, run.uy) && std::fabs(aside) < 0.3F * run.height &&
         down > 0.4F * run.height && down < 1.8F * run.height;
}

// Whether `run` stands to the right of `last`, both being single glyphs written downwards.
bool stands_right(const PageGlyphs& page, const GlyphRun& last, const GlyphRun& run) {
  if (!run.vertical || !last.vertical) return false;
  const float dx = run.x0 - last.x0;
  const float dy = run.y0 - last.y0;
  const float along = dx * run.ux + dy * run.uy;
  const float right = dy * run.ux - dx * run.uy;
  return std::fabs(along) < 0.1F * run.height && right > 0 && right < 1.5F * run.height &&
         is_one_glyph(page.text_of(run)) && is_one_glyph(page.text_of(last));
}

// How wide the glyph is, nobody has said: four fifths of its height leave no gap to wide ones.
void turn_right(GlyphRun& run) {
  const float ux = -run.uy;
  const float uy = run.ux;
  const float h = run.height;
  run.x0 += -0.4F * h * ux + 0.88F * h * uy;
  run.y0 += -0.4F * h * uy - 0.88F * h * ux;
  run.x1 = run.x0 + 0.8F * h * ux;
  run.y1 = run.y0 + 0.8F * h * uy;
  run.ux = ux;
  run.uy = uy;
  run.vertical = false;
}

}  // namespace

bool turn_set_across(const PageGlyphs& page, PageGlyphs& turned) {
  bool found = false;
  // The two neighbours of a pair are looked at on the page, where nothing is turned yet.
  bool below = false;
  bool right = false;
  for (std::size_t i = 0; i < page.runs.size(); ++i) {
    const bool more = i + 1 < page.runs.size();
    const bool next_below = more && stands_below(page, page.runs[i], page.runs[i + 1]);
    const bool next_right = more && stands_right(page, page.runs[i], page.runs[i + 1]);
    if ((below || next_below || right || next_right) && !found) {
      turned = page;
      found = true;
    }
    if (below || next_below) {
      if (!page.runs[i].vertical) turn_down(turned.runs[i]);
    } else if (right || next_right) {
      turn_right(turned.runs[i]);
    }
    below = next_below;
    right = next_right;
  }
  return found;
}

}  // namespace penstock::layout
