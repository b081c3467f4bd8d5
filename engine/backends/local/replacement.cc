// Bytes go to the disk past the page cache (O_DIRECT), from where they lie if that is aligned, else
// by blocks of 64 KB. They have to be on the disk before commit() returns in any case, so the cache
// would only be one copy more, and a page to find for every 4 KB. On a virtual machine that page
// may have to come from its host first: a thousand files of 1 MB, written by 32 threads, took 0.7
// to 2.8 s through the cache, and 1.0 s past it. A file system that cannot do it gets them through
// the cache.
#include "engine/backends/local/replacement.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <utility>

#include "engine/backends/local/file_errors.h"
#include "engine/core/unique_fd.h"

namespace penstock {
namespace {

constexpr std::size_t block_bytes = 64 << 10;
// What memory, place and length of a direct write are multiples of, on disks of today.
constexpr std::size_t alignment = 4'096;

// What a folder holds is durable only once the folder itself is.
Result<void> make_durable(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return cannot("make its folder durable", errno);
  return {};
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Result<void> make_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0777) == 0) return make_durable(folder_of(folder));
  if (errno == EEXIST) return {};
  if (errno != ENOENT) return cannot("make its folder", errno);
  if (Result<void> above = make_folder(folder_of(folder)); !above) return above;
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return cannot("make its folder", errno);
  return make_durable(folder_of(folder));
}

std::string temporary_beside(const std::string& path) {
  std::uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random)
    throw FatalError("the system gives no random numbers");
  return folder_of(path) + "/.penstock-" + std::to_string(random);
}

// How many of the bytes, from the first, can go to the disk from where they lie.
std::size_t aligned_bytes(std::string_view bytes) {
  const bool begins_aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % alignment == 0;
  return begins_aligned ? bytes.size() - bytes.size() % alignment : 0;
}

struct Free {
  void operator()(char* memory) const { ::operator delete(memory, std::align_val_t(alignment)); }
};

class Replacement final : public BlobWriter {
 public:
  Replacement(std::string path, std::string temporary, UniqueFd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
  ~Replacement() override {
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }

  Result<void> append(std::string_view bytes) override {
    if (const std::size_t direct = filled_ == 0 ? aligned_bytes(bytes) : 0; direct > 0) {
      if (Result<void> written = write(bytes.substr(0, direct)); !written) return written;
      bytes.remove_prefix(direct);
    }
    if (bytes.empty()) return {};
    if (!block_)
      block_.reset(static_cast<char*>(::operator new(block_bytes, std::align_val_t(alignment))));
    while (!bytes.empty()) {
      const std::size_t step = std::min(bytes.size(), block_bytes - filled_);
      std::memcpy(block_.get() + filled_, bytes.data(), step);
      filled_ += step;
      bytes.remove_prefix(step);
      if (filled_ < block_bytes) break;
      filled_ = 0;
      if (Result<void> written = write({block_.get(), block_bytes}); !written) return written;
    }
    return {};
  }

  Result<void> commit() override {
    if (filled_ > 0) {
      if (Result<void> written = write({block_.get(), filled_}); !written) return written;
    }
    if (fsync(fd_.get()) != 0) return cannot("be written", errno);
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return cannot("be replaced", errno);
    temporary_.clear();
    return make_durable(folder_of(path_));
  }

 private:
  Result<void> write(std::string_view bytes) {
    if (Result<void> set = set_direct(may_be_direct_ && aligned_bytes(bytes) == bytes.size()); !set)
      return set;
    while (!bytes.empty()) {
      const ssize_t step = ::write(fd_.get(), bytes.data(), bytes.size());
      if (step < 0 && errno == EINTR) continue;
      if (step < 0 && errno == EINVAL && is_direct_) {
        // Its blocks are larger, or a write was cut short.
        may_be_direct_ = false;
        if (Result<void> set = set_direct(false); !set) return set;
        continue;
      }
      if (step < 0) return cannot("be written", errno);
      bytes.remove_prefix(static_cast<std::size_t>(step));
    }
    return {};
  }

  Result<void> set_direct(bool is_direct) {
    if (is_direct == is_direct_) return {};
    const int flags = fcntl(fd_.get(), F_GETFL);
    if (flags >= 0 &&
        fcntl(fd_.get(), F_SETFL, is_direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0) {
      is_direct_ = is_direct;
    } else if (is_direct) {
      may_be_direct_ = false;
    } else {
      return cannot("be written", errno);
    }
    return {};
  }

  const std::string path_;
  std::string temporary_;  // empty once it is in its place
  const UniqueFd fd_;
  std::unique_ptr<char, Free> block_;  // absent: nothing came yet
  std::size_t filled_ = 0;             // of it
  bool is_direct_ = false;             // the next write
  bool may_be_direct_ = true;
};

}  // namespace

Result<std::unique_ptr<BlobWriter>> begin_replacement(const std::string& path) {
  if (const Result<void> made = make_folder(folder_of(path)); !made) return pass_on(made.error());
  std::string temporary = temporary_beside(path);
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd) return cannot("be written", errno);
  return std::make_unique<Replacement>(path, std::move(temporary), std::move(fd));
}

}  // namespace penstock
