// Documents in the local file system.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/io/blob_store.h"
#include "engine/io/work_queue.h"

struct stat;

namespace penstock {

class LocalFiles final : public BlobStore {
 public:
  // Only regular files: a pipe or a device would block, or never end.
  Result<MemoryFile> read(const std::string& path, std::uint64_t bytes_max) override;
  Result<std::string> read_range(const std::string& path, std::uint64_t offset,
                                 std::size_t bytes) override;
  // Makes the folders above it. A crash may leave a hidden file beside it, .penstock-*.
  Result<void> write(const std::string& path, std::string_view bytes) override;
  Result<std::unique_ptr<BlobWriter>> begin(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
};

// A file's stamp as of now. One that changed within the last two seconds gets a stamp that proves
// nothing: it may change again within the granularity of its time stamp.
SourceStamp stamp_from(const struct stat& status);
// Absent if there is no such file.
std::optional<SourceStamp> stamp_of_file(const std::string& path);

}  // namespace penstock
