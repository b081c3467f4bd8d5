#include "engine/core/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace penstock {
namespace {

tl::unexpected<Error> system_error(const char* what, int code) {
  return permanent_error(std::string(what) + ": " + std::generic_category().message(code));
}

UniqueFd new_memory_file() {
  return UniqueFd(memfd_create("penstock-document", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

}  // namespace

MemoryFile::MemoryFile(MemoryFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MemoryFile& MemoryFile::operator=(MemoryFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(mapping_, other.mapping_);
  std::swap(size_, other.size_);
  return *this;
}

MemoryFile::~MemoryFile() {
  if (mapping_ != nullptr) munmap(mapping_, size_);
}

Result<MemoryFile> MemoryFile::read_all(int fd, std::uint64_t bytes_max) {
  UniqueFd file = new_memory_file();
  if (!file) return system_error("cannot create a memory file", errno);
  // sendfile copies inside the kernel, from file to file.
  constexpr std::size_t step = 16 << 20;
  std::uint64_t size = 0;
  for (;;) {
    const ssize_t copied = sendfile(file.get(), fd, nullptr, step);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return system_error("cannot be read", errno);
    if (copied == 0) break;
    size += static_cast<std::uint64_t>(copied);
    if (size > bytes_max) return permanent_error("grew beyond the size limit of a document");
  }
  return seal(std::move(file), size);
}

Result<MemoryFile> MemoryFile::of(std::string_view bytes) {
  Result<Writer> writer = Writer::create();
  if (!writer) return pass_on(writer.error());
  if (const Result<void> written = writer->append(bytes); !written) return pass_on(written.error());
  return std::move(*writer).seal();
}

Result<MemoryFile> MemoryFile::seal(UniqueFd fd, std::size_t size) {
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return system_error("cannot seal a memory file", errno);
  MemoryFile sealed;
  if (size > 0) {
    void* mapping = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (mapping == MAP_FAILED) return system_error("cannot map a memory file", errno);
    sealed.mapping_ = mapping;
  }
  sealed.size_ = size;
  sealed.fd_ = std::move(fd);
  return sealed;
}

Result<MemoryFile::Writer> MemoryFile::Writer::create() {
  UniqueFd file = new_memory_file();
  if (!file) return system_error("cannot create a memory file", errno);
  return Writer(std::move(file));
}

Result<void> MemoryFile::Writer::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t step = write(fd_.get(), bytes.data(), bytes.size());
    if (step < 0 && errno == EINTR) continue;
    if (step < 0) return system_error("cannot write a memory file", errno);
    bytes.remove_prefix(static_cast<std::size_t>(step));
    size_ += static_cast<std::uint64_t>(step);
  }
  return {};
}

Result<MemoryFile> MemoryFile::Writer::seal() && {
  return MemoryFile::seal(std::move(fd_), size_);
}

}  // namespace penstock
