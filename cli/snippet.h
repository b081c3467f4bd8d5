// The lines of a chunk that show why it was found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// At most three lines of at most 88 columns, from where the query's words stand closest together;
// from the start if none does. With `highlight`, the words are set in bold for a terminal.
std::vector<std::string> snippet(std::string_view text, std::string_view query, bool highlight);

}  // namespace penstock
