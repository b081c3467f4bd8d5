// Shell patterns over paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// * ? [..] match within a folder, ** any number of folders. A pattern without a slash is held
// against the last component alone, any other against the whole path. No escape but [..].
bool glob_matches(const std::string& pattern, std::string_view path);
bool any_glob_matches(const std::vector<std::string>& patterns, std::string_view path);

}  // namespace penstock
