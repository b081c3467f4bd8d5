// Text files of unknown encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// The file's text in UTF-8: from UTF-8, from UTF-16 with a byte order mark, else from Windows-1252
// if there are no control bytes that text does not have. Absent if it is not text.
std::optional<std::string> decode_plain_text(std::string_view bytes);

// The pages of a text, which form feeds part; at least one.
std::vector<std::string_view> split_pages(std::string_view text);

}  // namespace penstock
