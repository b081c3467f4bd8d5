// Vectors as services send them: base64 of little-endian float32, written a bit at a time so that
// it has nothing in common with what it tests.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace penstock {

inline std::string base64_of(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
    unsigned sextet = 0;
    for (std::size_t at = bit; at < bit + 6; ++at) {
      const unsigned byte = at / 8 < bytes.size() ? static_cast<unsigned char>(bytes[at / 8]) : 0;
      sextet = sextet << 1 | (byte >> (7 - at % 8) & 1);
    }
    text += alphabet[sextet];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

inline std::string base64_of(std::span<const float> row) {
  return base64_of(std::string_view(reinterpret_cast<const char*>(row.data()), row.size_bytes()));
}

}  // namespace penstock
