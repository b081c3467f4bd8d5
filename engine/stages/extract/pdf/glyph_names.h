// Names of glyphs that Poppler does not know.
#pragma once

#include <string>
#include <string_view>

namespace penstock::pdf {

// A name that Poppler turns into the same character: itself, but for the names that TeX's
// mathematical fonts have of their own. (Those of Adobe's glyph list are all known.)
std::string known_glyph_name(std::string_view name);

}  // namespace penstock::pdf
