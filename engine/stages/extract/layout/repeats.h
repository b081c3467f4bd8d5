// Text that a page shows twice in one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/stages/extract/layout/page_glyphs.h"
#include "engine/stages/extract/layout/spans.h"

namespace penstock::layout {

class Repeats {
 public:
  // Removes spans that show once more what another span shows in the same place (shadows, bold
  // faked by a second pass, pages written twice), and hidden text over visible text of the same
  // words (a scan's, whose text was drawn anew). Other hidden text stays.
  void remove(const PageGlyphs& page, Spans& collected);

 private:
  struct Slot {
    std::uint32_t page = 0;  // of what page this is
    std::uint32_t span = 0;
  };

  bool repeats(const PageGlyphs& page, const std::vector<Span>& spans, const Span& span) const;
  std::size_t slot(std::int32_t column, std::int32_t row, unsigned char letter) const;
  void remove_hidden(const PageGlyphs& page, Spans& collected);
  bool is_covered(const PageBox& box, const Span& span) const;
  // The share of the span's words that the page shows, too.
  double known_words(const PageGlyphs& page, const Spans& collected, const Span& span) const;

  std::vector<Slot> slots_;  // by place; the latest that is there
  // A power of two that depends on this page alone, or else its text would depend on earlier ones.
  std::size_t slots_in_use_ = 0;
  std::uint32_t page_ = 0;
  std::vector<bool> covered_;                 // by visible text, cell by cell of the page
  std::vector<std::uint64_t> visible_words_;  // their digests, sorted
};

}  // namespace penstock::layout
