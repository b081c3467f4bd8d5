#include "engine/stages/extract/pdf/text_string.h"

#include <poppler/PDFDocEncoding.h>

#include <array>

namespace penstock::pdf {
namespace {

void append(std::uint32_t code, std::string& utf8) {
  std::array<char, 4> bytes;
  utf8.append(bytes.data(), encode_utf8(code, bytes.data()));
}

std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<std::uint8_t>(bytes[at]);
    const auto second = static_cast<std::uint8_t>(bytes[at + 1]);
    return static_cast<std::uint32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  std::string utf8;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    // An escape begins a language code (7.9.2.2), which another one ends.
    if (code == 0x1B) {
      for (at += 2; at + 1 < bytes.size() && unit(at) != 0x1B;) at += 2;
      continue;
    }
    if (code >= 0xD800 && code < 0xDC00 && at + 3 < bytes.size()) {
      const std::uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    append(code, utf8);
  }
  return utf8;
}

}  // namespace

std::size_t encode_utf8(std::uint32_t code, char* out) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) {
    if (code == 0) return 0;
    out[0] = byte(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = byte(0xC0 | code >> 6);
    out[1] = byte(0x80 | (code & 63));
    return 2;
  }
  if (code < 0x10000) {
    if (code >= 0xD800 && code < 0xE000) return 0;
    out[0] = byte(0xE0 | code >> 12);
    out[1] = byte(0x80 | (code >> 6 & 63));
    out[2] = byte(0x80 | (code & 63));
    return 3;
  }
  if (code >= 0x110000) return 0;
  out[0] = byte(0xF0 | code >> 18);
  out[1] = byte(0x80 | (code >> 12 & 63));
  out[2] = byte(0x80 | (code >> 6 & 63));
  out[3] = byte(0x80 | (code & 63));
  return 4;
}

std::string decode_text_string(std::string_view bytes) {
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes.substr(2), true);
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes.substr(2), false);
  if (bytes.starts_with("\xEF\xBB\xBF")) return std::string(bytes.substr(3));
  std::string utf8;
  for (const char c : bytes) append(pdfDocEncoding[static_cast<std::uint8_t>(c)], utf8);
  return utf8;
}

}  // namespace penstock::pdf
