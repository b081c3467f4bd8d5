// A page in the order in which its content shows it, which is the order in which programs write and
// people read, with few exceptions:
//
//   runs -> spans (spans.cc) -> repeats out (repeats.cc) -> columns untangled (columns.cc)
//        -> lines -> text (right_to_left.cc, spaced_letters.cc)
//
// A line is all that stands on one baseline, a table's row included. What looks at single runs has
// to be quick: a page has hundreds of them, but tens of lines.
#include "engine/stages/extract/layout/text_assembly.h"

#include <algorithm>
#include <limits>

#include "engine/stages/extract/layout/scripts.h"
#include "engine/stages/extract/layout/set_across.h"
#include "engine/stages/extract/layout/spaced_letters.h"

namespace penstock::layout {
namespace {

constexpr float no_gap = std::numeric_limits<float>::max();

// Fewer bytes are a formula's limit or a page number, whose size says nothing about paragraphs.
constexpr std::uint32_t heading_bytes_min = 4;

constexpr float cell_overlap_max = 0.3F;          // heights
constexpr std::uint32_t spans_searched_max = 32;  // of a line; tables have fewer columns

}  // namespace

void TextAssembly::append_page(const PageGlyphs& page, std::string& raw) {
  traits_ = traits_of(page.utf8);
  const bool vertical = std::any_of(page.runs.begin(), page.runs.end(),
                                    [](const GlyphRun& run) { return run.vertical; });
  const bool turned = (traits_.ideographs || vertical) && turn_set_across(page, turned_);
  append_lines(turned ? turned_ : page, raw);
}

void TextAssembly::append_lines(const PageGlyphs& page, std::string& raw) {
  spans_.collect(page, traits_);
  repeats_.remove(page, spans_);
  columns_.untangle(spans_.spans(), traits_.right_to_left);
  collect_lines();
  if (traits_.right_to_left) right_to_left_.begin_page(is_mostly_right_to_left(page.utf8));
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    append_line(page, lines_[i], raw);
    if (i + 1 < lines_.size() && ends_paragraph(i)) raw += '\n';
  }
}

void TextAssembly::collect_lines() {
  lines_.clear();
  const std::vector<Span>& spans = spans_.spans();
  for (std::uint32_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    if (lines_.empty() || !continues(lines_.back(), span)) {
      lines_.push_back({i, i + 1, span.bytes, span.ux, span.uy, span.begin, span.stop, span.base,
                        span.height, span.right_to_left});
      continue;
    }
    Line& line = lines_.back();
    line.end = i + 1;
    line.bytes += span.bytes;
    line.sorted &= span.begin > line.stop - overlap_max * span.height;
    line.begin = std::min(line.begin, span.begin);
    line.stop = std::max(line.stop, span.stop);
    line.right_to_left |= span.right_to_left;
    if (span.height > line.height) {
      line.height = span.height;
      line.base = span.base;
    }
  }
}

// On the line's base, behind it or where nothing else stands: cells of a table, and numbers in
// front of lines, come in any order.
bool TextAssembly::continues(const Line& line, const Span& span) const {
  if (!same_direction(line.ux, line.uy, span.ux, span.uy) ||
      !on_one_base(line.base, line.height, span.base, span.height))
    return false;
  const float height = std::max(line.height, span.height);
  if (span.begin > line.stop - overlap_max * height) return true;
  if (span.stop < line.begin + cell_overlap_max * height) return true;
  if (line.end - line.first > spans_searched_max) return false;
  const auto spans = spans_.spans().begin();
  return std::none_of(spans + line.first, spans + line.end, [&](const Span& other) {
    return span.begin < other.stop - cell_overlap_max * height &&
           span.stop > other.begin + cell_overlap_max * height;
  });
}

// From the line to the next one; no_gap if that is not below it or of another size.
float TextAssembly::line_gap(std::size_t i) const {
  if (i + 1 >= lines_.size()) return no_gap;
  const Line& line = lines_[i];
  const Line& next = lines_[i + 1];
  const float gap = line.base - next.base;
  const float height = std::max(line.height, next.height);
  if (gap <= 0 || gap > 3.5F * height || height > 1.2F * std::min(line.height, next.height) ||
      !same_direction(line.ux, line.uy, next.ux, next.uy))
    return no_gap;
  return gap;
}

bool TextAssembly::ends_paragraph(std::size_t i) const {
  const Line& line = lines_[i];
  const Line& next = lines_[i + 1];
  if (!same_direction(line.ux, line.uy, next.ux, next.uy)) return true;
  const float gap = line.base - next.base;
  const float large = std::max(line.height, next.height);
  const float small = std::min(line.height, next.height);
  const bool beside = next.begin > line.stop + large || next.stop < line.begin - large;
  if (gap < -(beside ? 0.9F : 2.0F) * large || gap > 3.5F * large) return true;
  if (large > 1.2F * small && gap > 0.8F * large && line.bytes >= heading_bytes_min &&
      next.bytes >= heading_bytes_min)
    return true;
  const float around = std::min(i > 0 ? line_gap(i - 1) : no_gap, line_gap(i + 1));
  return gap > 1.25F * (around == no_gap ? 1.35F * large : around);
}

void TextAssembly::append_line(const PageGlyphs& page, const Line& line, std::string& raw) {
  const std::size_t begin = raw.size();
  if (line.right_to_left) {
    append_right_to_left(page, line, raw);
  } else {
    if (!line.sorted) {
      const auto spans = spans_.spans().begin();
      std::stable_sort(spans + line.first, spans + line.end,
                       [](const Span& a, const Span& b) { return a.begin < b.begin; });
    }
    float stop = line.begin;
    for (std::uint32_t i = line.first; i < line.end; ++i) {
      const Span& span = spans_.spans()[i];
      const bool apart = span.after_space || span.begin - stop > space_gap * line.height;
      if (i > line.first && apart && raw.back() != ' ') raw += ' ';
      stop = span.stop;
      append_span(page, span, raw);
    }
  }
  if (traits_.spaced_letters) close_up_line(raw, begin);
  if (traits_.doubled_spaces) {
    const auto from = raw.begin() + static_cast<std::ptrdiff_t>(begin);
    raw.erase(std::unique(from, raw.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
              raw.end());
  }
  raw += '\n';
}

void TextAssembly::append_right_to_left(const PageGlyphs& page, const Line& line,
                                        std::string& raw) {
  for (std::uint32_t i = line.first; i < line.end; ++i) {
    const Span& span = spans_.spans()[i];
    for (std::uint32_t number = span.first; number < span.end; ++number) {
      if (spans_.joint(number) == Joint::dropped) continue;
      const GlyphRun& run = page.runs[number];
      const float from = run.x0 * span.ux + run.y0 * span.uy;
      const float to = run.x1 * span.ux + run.y1 * span.uy;
      right_to_left_.add(std::min(from, to), std::max(from, to), run.height, to < from,
                         page.text_of(run));
    }
  }
  right_to_left_.append_line(raw);
}

void TextAssembly::append_span(const PageGlyphs& page, const Span& span, std::string& raw) const {
  const std::string_view utf8 = page.utf8;
  for (std::uint32_t number = span.first; number < span.end; ++number) {
    const Joint joint = spans_.joint(number);
    if (joint == Joint::dropped) continue;
    const GlyphRun& run = page.runs[number];
    std::string_view text = utf8.substr(run.text_begin, run.text_end - run.text_begin);
    const bool spaced = raw.empty() || raw.back() == ' ' || raw.back() == '\n';
    if (spaced && text.front() == ' ')
      text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    else if (!spaced && joint == Joint::after_space && text.front() != ' ')
      raw += ' ';
    raw.append(text);
  }
}

}  // namespace penstock::layout
