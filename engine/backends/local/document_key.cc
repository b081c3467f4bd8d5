#include "engine/backends/local/document_key.h"

#include <cstddef>
#include <cstdio>

#include "engine/core/sha256.h"

namespace penstock {
namespace {

// How many bytes of a valid UTF-8 character, but NUL, `text` begins with; 0 if it begins with none.
std::size_t valid_character(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(0);
  if (lead == 0) return 0;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return length;
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool begins_with_escape(std::string_view text) {
  return text.size() >= 4 && text.starts_with("\\x") && is_hex_digit(text[2]) &&
         is_hex_digit(text[3]);
}

constexpr std::size_t digest_bytes = 3 + 64;

}  // namespace

std::string key_of(std::string_view path) {
  std::string key;
  std::size_t kept = 0;  // of a key that is too long: whole characters
  while (!path.empty()) {
    if (key.size() <= key_bytes_max - digest_bytes) kept = key.size();
    const std::size_t length = begins_with_escape(path) ? 0 : valid_character(path);
    if (length > 0) {
      key += path.substr(0, length);
      path.remove_prefix(length);
    } else {
      char escaped[5];
      std::snprintf(escaped, sizeof escaped, "\\x%02X", static_cast<unsigned char>(path[0]));
      key += escaped;
      path.remove_prefix(1);
    }
  }
  if (key.size() <= key_bytes_max) return key;
  const Sha256 digest = sha256(key);
  return key.substr(0, kept) + "..." + to_hex(digest);
}

}  // namespace penstock
