#include "engine/stages/extract/plain_text.h"

#include <simdjson.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace penstock {
namespace {

void append_code(std::string& utf8, UChar32 code) {
  std::array<std::uint8_t, U8_MAX_LENGTH> bytes;
  std::int32_t length = 0;
  UBool failed = false;
  U8_APPEND(bytes.data(), length, U8_MAX_LENGTH, code, failed);
  if (!failed)
    utf8.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

std::string from_utf16(std::string_view bytes, bool big_endian) {
  std::u16string units;
  units.reserve(bytes.size() / 2);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    units += static_cast<char16_t>(big_endian ? first << 8 | second : second << 8 | first);
  }
  std::string utf8;
  for (std::size_t at = 0; at < units.size();) {
    UChar32 code;
    U16_NEXT(units.data(), at, units.size(), code);
    append_code(utf8, U_IS_SURROGATE(code) ? 0xFFFD : code);
  }
  return utf8;
}

// Windows-1252 differs from Latin-1 in 0x80 to 0x9F only (table: unicode.org, CP1252.TXT).
std::string from_windows_1252(std::string_view bytes) {
  static constexpr char16_t upper[32] = {
      0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};
  std::string utf8;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    append_code(utf8, byte >= 0x80 && byte < 0xA0 ? upper[byte - 0x80] : byte);
  }
  return utf8;
}

// Controls that text files hold: tab, line ends, form feed, escape (terminal logs).
bool is_binary(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && (byte < '\t' || byte > '\r') && byte != 0x1B;
}

}  // namespace

std::optional<std::string> decode_plain_text(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes.substr(2), false);
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes.substr(2), true);
  if (std::any_of(bytes.begin(), bytes.end(), is_binary)) return std::nullopt;
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) return std::string(bytes);
  return from_windows_1252(bytes);
}

std::vector<std::string_view> split_pages(std::string_view text) {
  std::vector<std::string_view> pages;
  for (;;) {
    const std::size_t end = text.find('\f');
    pages.push_back(text.substr(0, end));
    // A form feed at the very end ends the last page and begins none.
    if (end == std::string_view::npos || end + 1 == text.size()) return pages;
    text.remove_prefix(end + 1);
  }
}

}  // namespace penstock
