// Text on the lines of a terminal of 100 columns.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

std::string upper(std::string_view word);

// Words on lines that fit behind `head`; the next begin below the first word. Bytes count as
// columns: what is beyond ASCII makes lines shorter, never longer.
std::string wrapped(const std::string& head, const std::string& sentence);

// Tables end their lines where a cell is empty.
std::string without_blank_ends(const std::string& text);

}  // namespace penstock
