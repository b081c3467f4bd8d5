// Paths from a descriptor, as find(1) prints them.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>

namespace penstock {

// A line each, or NUL-terminated if the first block holds a NUL. Empty ones are passed over. Blocks
// until there is one; gives up soon after `closed` was set.
class PathList {
 public:
  PathList(int fd, const std::atomic<bool>& closed) : fd_(fd), closed_(closed) {}
  std::optional<std::string> next();

 private:
  bool fill();

  const int fd_;
  const std::atomic<bool>& closed_;
  std::string buffer_;
  std::size_t at_ = 0;
  char separator_ = '\n';
  bool started_ = false;
};

}  // namespace penstock
