// Letter-spaced words: H E A D I N G.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/stages/extract/layout/page_glyphs.h"
#include "engine/stages/extract/layout/spans.h"

namespace penstock::layout {

// Of letters in a row that stand evenly apart, makes words: takes away the spaces between them, all
// but those in gaps that are wider than the rest. `joints` are the page's, by run.
void close_up(const PageGlyphs& page, const Span& span, std::vector<Joint>& joints);

// The same for a line whose letters are parted by spaces that the page shows, and its words by more
// of them. `line` is the end of a text, from `begin` on.
void close_up_line(std::string& line, std::size_t begin);

}  // namespace penstock::layout
