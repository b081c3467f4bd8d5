#include "engine/stages/extract/pdf/font.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "engine/stages/extract/pdf/text_string.h"

namespace penstock::pdf {
namespace {

// Type 3 glyphs are drawn in a space of the font's own. An average glyph is half as wide as its
// font is high, so twice the average width is the height; of a font with few glyphs that may be far
// off, but its box is not much higher than the font.
double type3_height(const Gfx8BitFont& font) {
  double sum = 0;
  int count = 0;
  for (int code = 0; code < 256; ++code) {
    const double width = font.getWidth(static_cast<unsigned char>(code));
    if (!std::isfinite(width) || width <= 0) continue;
    sum += width;
    ++count;
  }
  const double by_width = count > 0 ? 2 * sum / count : 1;
  const double* const box = font.getFontBBox();
  const double by_box = std::abs((box[3] - box[1]) * font.getFontMatrix()[3]);
  return std::isfinite(by_box) && by_box > 0 ? std::min(by_width, by_box) : by_width;
}

// Letters that are set from right to left: Hebrew, Arabic and their neighbours (Unicode 15,
// blocks).
bool is_right_to_left(Unicode code) {
  return (code >= 0x590 && code < 0x900) || (code >= 0xFB1D && code < 0xFE00) ||
         (code >= 0xFE70 && code < 0xFF00) || (code >= 0x10800 && code < 0x11000) ||
         (code >= 0x1E800 && code < 0x1F000);
}

}  // namespace

Font::Font(std::shared_ptr<GfxFont> poppler, std::size_t& glyph_pages_left)
    : poppler_(std::move(poppler)),
      glyph_pages_left_(glyph_pages_left),
      composite_(poppler_->isCIDFont()),
      vertical_(poppler_->getWMode() != 0) {
  if (!composite_) pages_[0] = std::make_unique<GlyphPage>();
  if (poppler_->getType() == fontType3)
    height_scale_ = type3_height(static_cast<const Gfx8BitFont&>(*poppler_));
}

const Glyph& Font::glyph(std::span<const Byte> string) {
  const std::unique_ptr<GlyphPage>& page = pages_[string[0]];
  const Byte second = string.size() > 1 ? string[1] : 0;
  if (page && string.size() > 1) {
    const Glyph& known = (*page)[second];
    if (known.code_bytes != 0) return known;
  }
  look_up(string.data(), string.size(), unremembered_);
  // A code that another length of string would have cut short is not remembered.
  if (string.size() > 1 && unremembered_.code_bytes <= 2) {
    if (!page && glyph_pages_left_ > 0) {
      --glyph_pages_left_;
      pages_[string[0]] = std::make_unique<GlyphPage>();
    }
    if (page) (*page)[second] = unremembered_;
  }
  return unremembered_;
}

void Font::look_up(const Byte* string, std::size_t size, Glyph& glyph) const {
  CharCode code = 0;
  const Unicode* unicode = nullptr;
  int length = 0;
  double advance_x = 0, advance_y = 0, origin_x = 0, origin_y = 0;
  const int used = poppler_->getNextChar(
      reinterpret_cast<const char*>(string), static_cast<int>(std::min<std::size_t>(size, 4)),
      &code, &unicode, &length, &advance_x, &advance_y, &origin_x, &origin_y);
  glyph.code_bytes = static_cast<std::uint8_t>(std::clamp(used, 1, 4));
  glyph.advance_x = std::isfinite(advance_x) ? static_cast<float>(advance_x) : 0;
  glyph.advance_y = std::isfinite(advance_y) ? static_cast<float>(advance_y) : 0;
  glyph.text_bytes = 0;
  const bool backwards = length > 1 && is_right_to_left(unicode[0]);
  // Longer texts for one glyph do not occur; a hostile one is cut at a whole character.
  for (int i = 0; i < length && glyph.text_bytes + 4u <= glyph.text.size(); ++i)
    glyph.text_bytes = static_cast<std::uint8_t>(
        glyph.text_bytes +
        encode_utf8(unicode[backwards ? length - 1 - i : i], glyph.text.data() + glyph.text_bytes));
}

}  // namespace penstock::pdf
