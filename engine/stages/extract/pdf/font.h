// Fonts as text extraction needs them: from the codes of a shown string to Unicode and advances.
#pragma once

#include <poppler/GfxFont.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/stages/extract/pdf/byte_buffer.h"

namespace penstock::pdf {

// What one character code stands for.
struct Glyph {
  float advance_x = 0;          // in text space, for a font size of 1
  float advance_y = 0;          // vertical writing
  std::uint8_t code_bytes = 0;  // 0: not looked up yet
  std::uint8_t text_bytes = 0;  // 0: the font does not tell what it means
  std::array<char, 22> text;    // UTF-8
};

// Asks Poppler once for each code and remembers: its own look-up is a virtual call, and for CID
// fonts two searches. One thread.
class Font {
 public:
  // Of 8 KB each, the glyph pages of a composite font are taken from `glyph_pages_left`, which
  // fonts share and which outlives them; without, it asks Poppler each time.
  Font(std::shared_ptr<GfxFont> poppler, std::size_t& glyph_pages_left);

  bool is_composite() const { return composite_; }
  bool is_vertical() const { return vertical_; }
  // What a font size of 1 makes of glyphs: 1 but for Type 3, whose unit is its own to choose.
  double height_scale() const { return height_scale_; }

  // For simple fonts.
  const Glyph& glyph(Byte code) {
    Glyph& known = (*pages_[0])[code];
    if (known.code_bytes == 0) look_up(&code, 1, known);
    return known;
  }
  // For composite fonts: the first code of `string`, which is not empty. Valid until the next call.
  const Glyph& glyph(std::span<const Byte> string);

 private:
  using GlyphPage = std::array<Glyph, 256>;

  void look_up(const Byte* string, std::size_t size, Glyph& glyph) const;

  const std::shared_ptr<GfxFont> poppler_;
  std::size_t& glyph_pages_left_;
  const bool composite_;
  const bool vertical_;
  double height_scale_ = 1;
  // Simple fonts have the first; composite ones have one for each first byte of a code that
  // occurred, and codes of more than two bytes are not remembered.
  std::array<std::unique_ptr<GlyphPage>, 256> pages_;
  Glyph unremembered_;
};

}  // namespace penstock::pdf
