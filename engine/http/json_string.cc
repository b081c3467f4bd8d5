#include "engine/http/json_string.h"

#include <array>
#include <cstddef>

namespace penstock {
namespace {

// What JSON wants in place of a byte: 0 the byte itself, 'u' its number, else a letter after '\'.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}

constexpr std::array<char, 256> escapes = make_escapes();

}  // namespace

void append_json_string(std::string& json, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  json += '"';
  std::size_t run = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const char escape = escapes[byte];
    if (escape == 0) continue;
    json.append(text, run, at - run);
    run = at + 1;
    json += '\\';
    json += escape;
    if (escape != 'u') continue;
    json += "00";
    json += digits[byte >> 4];
    json += digits[byte & 0xF];
  }
  json.append(text, run);
  json += '"';
}

std::size_t json_string_prefix(std::string_view text, std::size_t json_bytes_max) {
  std::size_t json_bytes = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char escape = escapes[static_cast<unsigned char>(text[at])];
    json_bytes += escape == 0 ? 1 : escape == 'u' ? 6 : 2;
    if (json_bytes > json_bytes_max) break;
  }
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace penstock
