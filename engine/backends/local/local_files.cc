#include "engine/backends/local/local_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "engine/backends/local/file_errors.h"
#include "engine/backends/local/replacement.h"
#include "engine/core/unique_fd.h"

namespace penstock {
namespace {

constexpr std::int64_t nanoseconds = 1'000'000'000;

std::int64_t to_nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * nanoseconds + time.tv_nsec;
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a folder";
  if (S_ISFIFO(mode)) return "is a pipe, not a file";
  if (S_ISSOCK(mode)) return "is a socket, not a file";
  return "is a device, not a file";
}

std::string cannot_open(int code) {
  if (code == ENOENT) return "vanished before it was read";
  if (code == EACCES) return "no permission to read it";
  if (code == ELOOP) return "a loop of symbolic links";
  return "cannot be opened: " + std::generic_category().message(code);
}

}  // namespace

Result<MemoryFile> LocalFiles::read(const std::string& path, std::uint64_t bytes_max) {
  // Not to wait for a writer, should it be a pipe.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return permanent_error(cannot_open(errno));
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return permanent_error(cannot_open(errno));
  if (!S_ISREG(status.st_mode)) return permanent_error(kind_of(status.st_mode));
  return MemoryFile::read_all(fd.get(), bytes_max);
}

Result<void> LocalFiles::write(const std::string& path, std::string_view bytes) {
  const Result<std::unique_ptr<BlobWriter>> writer = begin(path);
  if (!writer) return pass_on(writer.error());
  if (Result<void> done = (*writer)->append(bytes); !done) return done;
  return (*writer)->commit();
}

Result<std::string> LocalFiles::read_range(const std::string& path, std::uint64_t offset,
                                           std::size_t bytes) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return permanent_error(cannot_open(errno));
  std::string part(bytes, '\0');
  std::size_t read_bytes = 0;
  while (read_bytes < bytes) {
    const ssize_t got = pread(fd.get(), part.data() + read_bytes, bytes - read_bytes,
                              static_cast<off_t>(offset + read_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("be read", errno);
    if (got == 0) break;
    read_bytes += static_cast<std::size_t>(got);
  }
  part.resize(read_bytes);
  return part;
}

Result<std::unique_ptr<BlobWriter>> LocalFiles::begin(const std::string& path) {
  return begin_replacement(path);
}

Result<void> LocalFiles::remove(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
  return cannot("be removed", errno);
}

SourceStamp stamp_from(const struct stat& status) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  SourceStamp stamp;
  stamp.bytes = static_cast<std::uint64_t>(status.st_size);
  stamp.modified_ns = to_nanoseconds(status.st_mtim);
  const std::int64_t changed = to_nanoseconds(status.st_ctim);
  if (changed + 2 * nanoseconds < to_nanoseconds(now)) stamp.changed_ns = changed;
  return stamp;
}

std::optional<SourceStamp> stamp_of_file(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return stamp_from(status);
}

}  // namespace penstock
