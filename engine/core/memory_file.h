// A document's bytes in a sealed memory file (memfd): written once, then immutable, mapped for
// reading here and passed by descriptor to an extraction process, so that the bytes of a document
// are copied exactly once, out of the file or the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/unique_fd.h"

namespace penstock {

class MemoryFile {
 public:
  class Writer;

  MemoryFile() = default;  // holds nothing: bytes() is empty, fd() is -1
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&& other) noexcept;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  // Copies everything from fd's start to its end. At most bytes_max bytes: a longer file is
  // refused with a permanent error, and so is what the kernel refuses; the caller adds the name.
  static Result<MemoryFile> read_all(int fd, std::uint64_t bytes_max);
  static Result<MemoryFile> of(std::string_view bytes);

  // Valid as long as this object lives. Any thread.
  std::string_view bytes() const { return {static_cast<const char*>(mapping_), size_}; }
  int fd() const { return fd_.get(); }

 private:
  static Result<MemoryFile> seal(UniqueFd fd, std::size_t size);

  UniqueFd fd_;
  void* mapping_ = nullptr;
  std::size_t size_ = 0;
};

// A memory file on the way, for bytes that come piece by piece. One thread at a time.
class MemoryFile::Writer {
 public:
  static Result<Writer> create();

  Result<void> append(std::string_view bytes);
  std::uint64_t size() const { return size_; }

  // The file as it stands. The writer cannot be used any more.
  Result<MemoryFile> seal() &&;

 private:
  explicit Writer(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace penstock
