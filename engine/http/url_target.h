// The target of a request line: its path, and what its query says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock {

class UrlTarget {
 public:
  explicit UrlTarget(std::string_view target);

  const std::string& path() const { return path_; }  // as it stands there
  // Whether all of the query could be decoded, and is UTF-8.
  bool is_sound() const { return is_sound_; }
  // A name that the query has more than once: of two values each reader may believe another.
  std::optional<std::string> repeated() const;
  // Decoded. The first of this name, or nothing at all.
  std::string parameter(std::string_view name) const;
  // All of this name, in their order.
  std::vector<std::string> parameters(std::string_view name) const;

 private:
  std::string path_;
  bool is_sound_ = true;
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace penstock
