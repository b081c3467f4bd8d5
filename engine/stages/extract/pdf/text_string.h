// Text outside content streams (ISO 32000-1, 7.9.2.2), and single characters, to UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::pdf {

// Writes at most four bytes, and returns how many: none for what is no character.
std::size_t encode_utf8(std::uint32_t code, char* out);

// From UTF-16 or UTF-8 with a byte order mark, else from PDFDocEncoding.
std::string decode_text_string(std::string_view bytes);

}  // namespace penstock::pdf
