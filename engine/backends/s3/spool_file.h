// A nameless file on disk, for a content that comes piece by piece and is read whole afterwards. It
// is gone with the process, however that ends.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"

namespace penstock {

class SpoolFile {
 public:
  // In TMPDIR, or /var/tmp.
  static Result<SpoolFile> make();
  SpoolFile(SpoolFile&& other) noexcept;
  SpoolFile& operator=(SpoolFile&&) = delete;
  SpoolFile(const SpoolFile&) = delete;
  ~SpoolFile();

  Result<void> append(std::string_view bytes);
  // What was appended, by the page cache: valid as long as this object lives. Once, and the last
  // call.
  Result<std::string_view> map();

 private:
  explicit SpoolFile(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::size_t size_ = 0;
  void* mapping_ = nullptr;
};

}  // namespace penstock
