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

}  // namespace penstock
