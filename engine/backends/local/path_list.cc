#include "engine/backends/local/path_list.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace penstock {

// Adds what the descriptor has to the buffer; false at its end.
bool PathList::fill() {
  constexpr int milliseconds_between_looks = 200;
  pollfd readable{fd_, POLLIN, 0};
  while (!closed_ && poll(&readable, 1, milliseconds_between_looks) <= 0) {
  }
  if (closed_) return false;
  std::array<char, 65536> block;
  const ssize_t size = read(fd_, block.data(), block.size());
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(block.data(), static_cast<std::size_t>(size));
  if (!started_ && buffer_.find('\0') != std::string::npos) separator_ = '\0';
  started_ = true;
  return true;
}

std::optional<std::string> PathList::next() {
  for (;;) {
    const std::size_t end = buffer_.find(separator_, at_);
    std::string path = buffer_.substr(at_, end == std::string::npos ? end : end - at_);
    if (end == std::string::npos) {
      if (fill()) continue;
      at_ = buffer_.size();
      if (path.empty() || closed_) return std::nullopt;
    } else {
      at_ = end + 1;
    }
    if (separator_ == '\n' && path.ends_with('\r')) path.pop_back();
    if (!path.empty()) return path;
  }
}

}  // namespace penstock
