// Columns that a page shows row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/stages/extract/layout/spans.h"

namespace penstock::layout {

class Columns {
 public:
  // Where the page goes to and fro between columns of prose, line by line, moves the spans of each
  // column together. Tables, whose cells are short or of all lengths, stay as they are.
  // `from_right`: the rightmost column is read first.
  void untangle(std::vector<Span>& spans, bool from_right);

 private:
  struct Column {
    float begin, stop;
    std::uint32_t spans = 0;
    std::uint32_t bytes = 0;
    float width = 0;  // of all spans
  };

  std::size_t grow(const std::vector<Span>& spans, std::size_t first);
  bool join_column(const Span& span);
  void sort_by_column(std::vector<Span>& spans, std::size_t first, std::size_t end,
                      bool from_right);
  std::size_t bridge_in(const std::vector<Span>& spans, std::size_t first, std::size_t end) const;
  bool is_prose(const std::vector<Span>& spans, std::size_t first, std::size_t end) const;
  std::size_t column_of(const Span& span) const;

  std::vector<Column> columns_;  // of the stretch being looked at
  std::vector<Span> sorted_;
};

}  // namespace penstock::layout
