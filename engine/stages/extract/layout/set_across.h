// Glyphs set one by one across the direction in which their font writes.
#pragma once

#include "engine/stages/extract/layout/page_glyphs.h"

namespace penstock::layout {

// Japanese that is written downwards with a font for horizontal writing, each glyph put below the
// one before, or Latin with a font for vertical writing, each put to the right: gives the runs the
// direction in which they are read. False, and nothing done, if the page has no such text; then
// `turned` is not the page.
bool turn_set_across(const PageGlyphs& page, PageGlyphs& turned);

}  // namespace penstock::layout
