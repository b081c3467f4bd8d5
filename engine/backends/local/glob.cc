#include "engine/backends/local/glob.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstddef>

namespace penstock {
namespace {

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace

bool glob_matches(const std::string& pattern, std::string_view path) {
  const std::vector<std::string> names = components(path);
  if (pattern.find('/') == std::string::npos)
    return !names.empty() && (pattern == "**" || matches(pattern, names.back()));

  const std::vector<std::string> patterns = components(pattern);
  // reached[i]: the patterns so far can match the first i names.
  std::vector<bool> reached(names.size() + 1, false);
  reached[0] = true;
  for (const std::string& each : patterns) {
    std::vector<bool> next(names.size() + 1, false);
    for (std::size_t i = 0; i <= names.size(); ++i) {
      if (each == "**") {
        next[i] = reached[i] || (i > 0 && next[i - 1]);
      } else if (i < names.size() && reached[i] && matches(each, names[i])) {
        next[i + 1] = true;
      }
    }
    reached = std::move(next);
  }
  return reached.back();
}

bool any_glob_matches(const std::vector<std::string>& patterns, std::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return glob_matches(pattern, path); });
}

}  // namespace penstock
