#include "engine/stages/extract/layout/scripts.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstddef>
#include <cstdint>

namespace penstock::layout {
namespace {

const std::uint8_t* bytes_of(std::string_view utf8) {
  return reinterpret_cast<const std::uint8_t*>(utf8.data());
}

bool is_right_to_left(UChar32 code) {
  const UCharDirection direction = u_charDirection(code);
  return direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC;
}

bool is_ideographic(UChar32 code) {
  return (code >= 0x2E80 && code <= 0x9FFF) || (code >= 0xF900 && code <= 0xFAFF) ||
         (code >= 0xFE30 && code <= 0xFE4F) || (code >= 0xFF00 && code <= 0xFFEF) ||
         (code >= 0x20000 && code <= 0x3FFFF);
}

}  // namespace

// Runs over all of a page's text, so it does without branches, for the compiler to use vectors.
TextTraits traits_of(std::string_view utf8) {
  const std::uint8_t* bytes = bytes_of(utf8);
  unsigned rightward = 0;
  unsigned ideographs = 0;
  unsigned doubled = 0;
  unsigned spaced = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const std::uint8_t byte = bytes[i];
    rightward |= static_cast<unsigned>(byte >= 0xD6 && byte <= 0xE0) |
                 static_cast<unsigned>(byte == 0xEF || byte == 0xF0);
    ideographs |= static_cast<unsigned>((byte >= 0xE3 && byte <= 0xE9) || byte == 0xF0);
  }
  constexpr std::size_t pattern = 7;  // " a b c "
  for (std::size_t i = pattern - 1; i < utf8.size(); ++i) {
    const auto space = static_cast<unsigned>(bytes[i] == ' ');
    doubled |= space & static_cast<unsigned>(bytes[i - 1] == ' ');
    spaced |= space & static_cast<unsigned>(bytes[i - 2] == ' ') &
              static_cast<unsigned>(bytes[i - 4] == ' ') &
              static_cast<unsigned>(bytes[i - 6] == ' ');
  }
  TextTraits traits;
  traits.right_to_left = rightward != 0 && has_right_to_left(utf8);
  traits.ideographs = ideographs != 0;
  // The first bytes are not looked at.
  traits.doubled_spaces = doubled != 0 || utf8.substr(0, pattern).find("  ") != utf8.npos;
  traits.spaced_letters = spaced != 0;
  return traits;
}

bool has_right_to_left(std::string_view utf8) {
  const std::uint8_t* bytes = bytes_of(utf8);
  const auto size = static_cast<std::int32_t>(utf8.size());
  for (std::int32_t at = 0; at < size;) {
    // Below U+0590 nothing runs from right to left.
    if (bytes[at] < 0xD6) {
      ++at;
      continue;
    }
    UChar32 code;
    U8_NEXT(bytes, at, size, code);
    if (code > 0 && is_right_to_left(code)) return true;
  }
  return false;
}

bool is_mostly_right_to_left(std::string_view utf8) {
  const std::uint8_t* bytes = bytes_of(utf8);
  const auto size = static_cast<std::int32_t>(utf8.size());
  std::int32_t balance = 0;
  for (std::int32_t at = 0; at < size;) {
    UChar32 code;
    U8_NEXT(bytes, at, size, code);
    if (code < 0) continue;
    if (is_right_to_left(code))
      ++balance;
    else if (u_isalpha(code))
      --balance;
  }
  return balance > 0;
}

bool starts_ideographic(std::string_view utf8) {
  const std::uint8_t* bytes = bytes_of(utf8);
  if (bytes[0] < 0xE2) return false;
  std::int32_t at = 0;
  UChar32 code;
  U8_NEXT(bytes, at, static_cast<std::int32_t>(utf8.size()), code);
  return is_ideographic(code);
}

bool ends_ideographic(std::string_view utf8) {
  const std::uint8_t* bytes = bytes_of(utf8);
  auto at = static_cast<std::int32_t>(utf8.size());
  if (bytes[at - 1] < 0x80) return false;
  UChar32 code;
  U8_PREV(bytes, 0, at, code);
  return is_ideographic(code);
}

bool is_one_letter(std::string_view utf8) {
  if (utf8.size() > U8_MAX_LENGTH) return false;
  std::int32_t at = 0;
  UChar32 code;
  const auto size = static_cast<std::int32_t>(utf8.size());
  U8_NEXT(bytes_of(utf8), at, size, code);
  return at == size && code > 0 && u_isalpha(code);
}

}  // namespace penstock::layout
