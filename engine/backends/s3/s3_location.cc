#include "engine/backends/s3/s3_location.h"

#include <algorithm>
#include <cstddef>

namespace penstock {
namespace {

constexpr std::string_view scheme = "s3://";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_bucket(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && std::ranges::all_of(name, [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

}  // namespace

std::optional<S3Location> parse_s3_location(std::string_view location) {
  if (!location.starts_with(scheme)) return std::nullopt;
  location.remove_prefix(scheme.size());
  const std::size_t slash = location.find('/');
  const std::string_view bucket = location.substr(0, slash);
  if (!is_bucket(bucket)) return std::nullopt;
  S3Location parsed{std::string(bucket), {}};
  if (slash != std::string_view::npos) parsed.key = location.substr(slash + 1);
  return parsed;
}

std::string to_string(const S3Location& location) {
  return std::string(scheme) + location.bucket + '/' + location.key;
}

std::string uri_encoded(std::string_view text, bool is_path) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' ||
        (is_path && c == '/')) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return encoded;
}

std::optional<std::string> uri_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_value(text[i + 1]);
    const auto low = hex_value(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return decoded;
}

}  // namespace penstock
