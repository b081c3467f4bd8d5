#include "engine/http/http_headers.h"

#include <algorithm>

namespace penstock {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
  for (const HttpHeader& header : headers_)
    if (std::ranges::equal(header.name, name, {}, lower, lower)) return header.value;
  return std::nullopt;
}

}  // namespace penstock
