// Pieces of Markdown as CI systems show it.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// As it stands: nothing of it is markup, a cell's end or a line's.
std::string markdown_text(std::string_view text);

// What opens with a click.
std::string markdown_details(const std::string& summary, const std::string& table);

}  // namespace penstock
