// A stretch of the page is columns if nothing in it crosses the gutters. It begins where a span
// stands beside the one before, grows span by span, and ends with the first that touches two
// columns or stands far below. Prose fills its column's width (ragged right margins leave 0.85 of
// it filled, cells of tables with words in them about half), and a line of it is a few words long.
#include "engine/stages/extract/layout/columns.h"

#include <algorithm>
#include <cmath>

namespace penstock::layout {
namespace {

constexpr std::size_t columns_max = 8;   // more are a table's
constexpr std::uint32_t lines_min = 6;   // of each column; fewer may as well be code and comments
constexpr std::uint32_t bytes_min = 16;  // of a line of prose, on average
constexpr float fill_min = 0.7F;
constexpr float bridged_fill_max = 0.5F;  // two columns of prose taken for one
constexpr float gutter = 0.8F;            // heights
constexpr float line_step_max = 4;        // heights from one span to the next
constexpr int bridges_max = 16;           // of a page

bool stands_beside(const Span& left, const Span& right) {
  const float height = std::max(left.height, right.height);
  return std::fabs(left.base - right.base) < height && right.begin > left.stop + gutter * height &&
         same_direction(left.ux, left.uy, right.ux, right.uy);
}

}  // namespace

void Columns::untangle(std::vector<Span>& spans, bool from_right) {
  int bridges_left = bridges_max;
  for (std::size_t first = 0; first + 1 < spans.size();) {
    if (!stands_beside(spans[first], spans[first + 1]) &&
        !stands_beside(spans[first + 1], spans[first])) {
      ++first;
      continue;
    }
    const std::size_t end = grow(spans, first);
    if (is_prose(spans, first, end)) {
      sort_by_column(spans, first, end, from_right);
    } else if (const std::size_t bridge = bridge_in(spans, first, end);
               bridge < end && bridges_left-- > 0) {
      first = bridge + 1;
      continue;
    }
    first = std::max(end - 1, first + 1);
  }
}

void Columns::sort_by_column(std::vector<Span>& spans, std::size_t first, std::size_t end,
                             bool from_right) {
  sorted_.clear();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t column = from_right ? columns_.size() - 1 - i : i;
    for (std::size_t at = first; at < end; ++at)
      if (column_of(spans[at]) == column) sorted_.push_back(spans[at]);
  }
  std::copy(sorted_.begin(), sorted_.end(), spans.begin() + static_cast<std::ptrdiff_t>(first));
}

// A heading over two columns that comes before they part makes one of them, mostly empty. It is the
// widest span of that column; `end` if there is no such column.
std::size_t Columns::bridge_in(const std::vector<Span>& spans, std::size_t first,
                               std::size_t end) const {
  const auto sparse = std::find_if(columns_.begin(), columns_.end(), [](const Column& column) {
    return column.spans >= 2 * lines_min && column.width < bridged_fill_max *
                                                               static_cast<float>(column.spans) *
                                                               (column.stop - column.begin);
  });
  if (sparse == columns_.end()) return end;
  const auto number = static_cast<std::size_t>(sparse - columns_.begin());
  std::size_t widest = end;
  for (std::size_t at = first; at < end; ++at) {
    if (column_of(spans[at]) != number) continue;
    if (widest == end ||
        spans[at].stop - spans[at].begin > spans[widest].stop - spans[widest].begin)
      widest = at;
  }
  return widest;
}

// The end of the stretch that begins with `first`; its columns, from left to right.
std::size_t Columns::grow(const std::vector<Span>& spans, std::size_t first) {
  columns_.clear();
  std::size_t at = first;
  for (; at < spans.size(); ++at) {
    const Span& span = spans[at];
    if (at > first) {
      const Span& before = spans[at - 1];
      const float step = std::fabs(span.base - before.base);
      if (step > line_step_max * std::max(span.height, before.height) ||
          !same_direction(span.ux, span.uy, before.ux, before.uy))
        break;
    }
    if (!join_column(span)) break;
  }
  return at;
}

bool Columns::join_column(const Span& span) {
  const float margin = gutter * span.height;
  const auto first = std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) {
    return column.stop + margin > span.begin;
  });
  const bool within = first != columns_.end() && first->begin - margin < span.stop;
  if (!within) {
    if (columns_.size() == columns_max) return false;
    columns_.insert(first, {span.begin, span.stop, 1, span.bytes, span.stop - span.begin});
    return true;
  }
  if (first + 1 != columns_.end() && (first + 1)->begin - margin < span.stop) return false;
  first->begin = std::min(first->begin, span.begin);
  first->stop = std::max(first->stop, span.stop);
  ++first->spans;
  first->bytes += span.bytes;
  first->width += span.stop - span.begin;
  return true;
}

std::size_t Columns::column_of(const Span& span) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(),
                                  [&](const Column& column) { return span.begin <= column.stop; });
  return static_cast<std::size_t>(found - columns_.begin());
}

bool Columns::is_prose(const std::vector<Span>& spans, std::size_t first, std::size_t end) const {
  if (columns_.size() < 2) return false;
  for (const Column& column : columns_) {
    const auto count = static_cast<float>(column.spans);
    if (column.spans < lines_min || column.bytes < bytes_min * column.spans ||
        column.width < fill_min * count * (column.stop - column.begin))
      return false;
  }
  std::uint32_t changes = 0;
  std::size_t column = column_of(spans[first]);
  for (std::size_t at = first + 1; at < end; ++at) {
    const std::size_t next = column_of(spans[at]);
    changes += static_cast<std::uint32_t>(next != column);
    column = next;
  }
  return changes >= 2 * lines_min - 1;
}

}  // namespace penstock::layout
