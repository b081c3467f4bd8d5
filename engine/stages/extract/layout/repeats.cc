// A span is looked up by the cell of a grid in which it begins, the cells as large as its text is
// high, and by its first byte; a slot holds the latest such span only. So a page with a million
// spans in one place costs as much as any other.
//
// Hidden text is compared by place and by words, since recognised text has other gaps and errors of
// its own: it goes if at least half of its length lies over visible text, and three in five of its
// words are words of the page's visible text.
#include "engine/stages/extract/layout/repeats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace penstock::layout {
namespace {

constexpr float near = 0.2F;        // of the height
constexpr std::int32_t cells = 96;  // a side of the page: 8 points of a letter page
constexpr double covered_min = 0.5;
constexpr double known_min = 0.6;

std::string_view text_of(const PageGlyphs& page, const Span& span) {
  const std::uint32_t begin = page.runs[span.first].text_begin;
  std::string_view text =
      std::string_view(page.utf8).substr(begin, page.runs[span.end - 1].text_end - begin);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// Coordinates on a page are below a million; whatever is not becomes the same cell.
std::int32_t cell_of(float position) {
  return std::fabs(position) < 1e6F ? static_cast<std::int32_t>(std::floor(position)) : 0;
}

// Calls with the digest of each word of a span, which is letters and digits whatever their case.
template <typename Call>
void for_each_word(const PageGlyphs& page, const Spans& spans, const Span& span, Call call) {
  std::uint64_t digest = 0;
  const auto end_word = [&] {
    if (digest != 0) call(digest);
    digest = 0;
  };
  for (std::uint32_t run = span.first; run < span.end; ++run) {
    if (spans.joint(run) == Joint::dropped) continue;
    if (spans.joint(run) == Joint::after_space) end_word();
    for (const char c : page.text_of(page.runs[run])) {
      const auto byte = static_cast<unsigned char>(c);
      const unsigned char small = byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
      if ((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small >= 0x80) {
        digest = (digest + small + 1) * 0x9E3779B97F4A7C15U;
      } else {
        end_word();
      }
    }
  }
  end_word();
}

std::size_t cell_number(std::int32_t column, std::int32_t row) {
  return static_cast<std::size_t>(row) * cells + static_cast<std::size_t>(column);
}

// Calls with the cells of the page through which the span runs, a bit above its base.
template <typename Call>
void for_each_cell(const PageBox& box, const Span& span, Call call) {
  const float width = std::max(box.x1 - box.x0, 1.0F);
  const float height = std::max(box.y1 - box.y0, 1.0F);
  const float step = std::max(width, height) / (2 * cells);
  const float length = std::min(span.stop - span.begin, std::max(width, height));
  const float across = span.base + 0.3F * span.height;
  const int steps = length > 0 ? static_cast<int>(length / step) : 0;
  for (int i = 0; i <= steps; ++i) {
    const float along = static_cast<float>(i) * step;
    const float x = (span.begin + along) * span.ux - across * span.uy;
    const float y = (span.begin + along) * span.uy + across * span.ux;
    const std::int32_t column = cell_of((x - box.x0) / width * cells);
    const std::int32_t row = cell_of((y - box.y0) / height * cells);
    if (column < 0 || column >= cells || row < 0 || row >= cells) continue;
    call(column, row);
  }
}

}  // namespace

void Repeats::remove(const PageGlyphs& page, Spans& collected) {
  std::vector<Span>& spans = collected.spans();
  if (spans.size() < 2) return;
  // At most half full, so that few spans meet in a slot.
  const std::size_t size = std::bit_ceil(2 * spans.size());
  if (slots_.size() < size) slots_.assign(size, {});
  slots_in_use_ = size;
  ++page_;
  std::size_t kept = 0;
  bool hidden = false;
  bool visible = false;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (repeats(page, spans, spans[i])) continue;
    const Span& span = spans[kept] = spans[i];
    slots_[slot(cell_of(span.begin / span.height), cell_of(span.base / span.height),
                static_cast<unsigned char>(page.utf8[page.runs[span.first].text_begin]))] = {
        page_, static_cast<std::uint32_t>(kept)};
    (span.hidden ? hidden : visible) = true;
    ++kept;
  }
  spans.resize(kept);
  if (hidden && visible) remove_hidden(page, collected);
}

std::size_t Repeats::slot(std::int32_t column, std::int32_t row, unsigned char letter) const {
  const std::uint64_t key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(column)) << 40 ^
                            static_cast<std::uint64_t>(static_cast<std::uint32_t>(row)) << 8 ^
                            letter;
  return (key * 0x9E3779B97F4A7C15U >> 32) & (slots_in_use_ - 1);
}

bool Repeats::repeats(const PageGlyphs& page, const std::vector<Span>& spans,
                      const Span& span) const {
  const float begin = span.begin / span.height;
  const float base = span.base / span.height;
  const auto letter = static_cast<unsigned char>(page.utf8[page.runs[span.first].text_begin]);
  const std::int32_t column_last = cell_of(begin + near);
  const std::int32_t row_last = cell_of(base + near);
  for (std::int32_t row = cell_of(base - near); row <= row_last; ++row) {
    for (std::int32_t column = cell_of(begin - near); column <= column_last; ++column) {
      const Slot& found = slots_[slot(column, row, letter)];
      if (found.page != page_) continue;
      const Span& other = spans[found.span];
      const float distance = near * span.height;
      if (std::fabs(other.begin - span.begin) < distance &&
          std::fabs(other.base - span.base) < distance &&
          same_direction(other.ux, other.uy, span.ux, span.uy) &&
          text_of(page, other) == text_of(page, span))
        return true;
    }
  }
  return false;
}

void Repeats::remove_hidden(const PageGlyphs& page, Spans& collected) {
  std::vector<Span>& spans = collected.spans();
  covered_.assign(std::size_t{cells} * cells, false);
  visible_words_.clear();
  for (const Span& span : spans) {
    if (span.hidden) continue;
    for_each_cell(page.box, span, [this](std::int32_t column, std::int32_t row) {
      for (std::int32_t y = std::max(row - 1, 0); y <= std::min(row + 1, cells - 1); ++y)
        covered_[cell_number(column, y)] = true;
    });
    for_each_word(page, collected, span,
                  [this](std::uint64_t word) { visible_words_.push_back(word); });
  }
  std::sort(visible_words_.begin(), visible_words_.end());
  const auto gone = [&](const Span& span) {
    return span.hidden && is_covered(page.box, span) &&
           known_words(page, collected, span) >= known_min;
  };
  spans.erase(std::remove_if(spans.begin(), spans.end(), gone), spans.end());
}

bool Repeats::is_covered(const PageBox& box, const Span& span) const {
  int all = 0;
  int covered = 0;
  for_each_cell(box, span, [&](std::int32_t column, std::int32_t row) {
    ++all;
    covered += static_cast<int>(covered_[cell_number(column, row)]);
  });
  return covered >= covered_min * all;
}

double Repeats::known_words(const PageGlyphs& page, const Spans& collected,
                            const Span& span) const {
  int all = 0;
  int known = 0;
  for_each_word(page, collected, span, [&](std::uint64_t word) {
    ++all;
    known +=
        static_cast<int>(std::binary_search(visible_words_.begin(), visible_words_.end(), word));
  });
  return all == 0 ? 1 : static_cast<double>(known) / all;
}

}  // namespace penstock::layout
