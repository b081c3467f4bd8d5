#include "engine/backends/s3/spool_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

namespace penstock {
namespace {

std::string folder_for_temporary_files() {
  const char* const named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

// A full disk may be emptied.
tl::unexpected<Error> cannot(const char* what) {
  return retryable_error(folder_for_temporary_files() + ": cannot " + what +
                         " a temporary file: " + std::generic_category().message(errno));
}

}  // namespace

Result<SpoolFile> SpoolFile::make() {
  const std::string folder = folder_for_temporary_files();
  UniqueFd fd(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd && errno == EOPNOTSUPP) {  // not every file system has nameless files
    std::string path = folder + "/penstock-XXXXXX";
    fd.reset(mkostemp(path.data(), O_CLOEXEC));
    if (fd) unlink(path.c_str());
  }
  if (!fd) return cannot("make");
  return SpoolFile(std::move(fd));
}

SpoolFile::SpoolFile(SpoolFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      size_(std::exchange(other.size_, 0)),
      mapping_(std::exchange(other.mapping_, nullptr)) {}

SpoolFile::~SpoolFile() {
  if (mapping_ != nullptr) munmap(mapping_, size_);
}

Result<void> SpoolFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t step = ::write(fd_.get(), bytes.data(), bytes.size());
    if (step < 0 && errno == EINTR) continue;
    if (step < 0) return cannot("write");
    size_ += static_cast<std::size_t>(step);
    bytes.remove_prefix(static_cast<std::size_t>(step));
  }
  return {};
}

Result<std::string_view> SpoolFile::map() {
  if (size_ == 0) return std::string_view();
  void* const mapping = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_.get(), 0);
  if (mapping == MAP_FAILED) return cannot("read");
  mapping_ = mapping;
  return std::string_view(static_cast<const char*>(mapping_), size_);
}

}  // namespace penstock
