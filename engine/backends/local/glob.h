// Shell patterns over paths.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// * ? [..] match within a folder, ** any number of folders. A pattern without a slash is held
// against the last component alone, any other against the whole path. No escape but [..].
bool glob_matches(const std::string& pattern, std::string_view path);

}  // namespace penstock
