#include "engine/http/http_headers.h"

#include <algorithm>

namespace penstock {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string lower_case(std::string_view name) {
  std::string letters(name);
  std::ranges::transform(letters, letters.begin(), lower);
  return letters;
}

std::string_view without_blanks(std::string_view value) {
  constexpr std::string_view white = " \t\r\n";
  value.remove_prefix(std::min(value.find_first_not_of(white), value.size()));
  return value.substr(0, value.find_last_not_of(white) + 1);
}

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
  for (const HttpHeader& header : headers_)
    if (std::ranges::equal(header.name, name, {}, lower, lower)) return header.value;
  return std::nullopt;
}

}  // namespace penstock
