// Documents' bytes by their location: s3://BUCKET/KEY, or a path.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/options.h"
#include "engine/backends/local/local_files.h"
#include "engine/backends/s3/s3_blobs.h"
#include "engine/io/blob_store.h"
#include "engine/io/work_queue.h"

namespace penstock {

bool is_object(std::string_view location);

// With the credentials of the environment, if there are any.
S3Options s3_options(const ObjectOptions& options);

class Objects final : public BlobStore {
 public:
  explicit Objects(ObjectOptions options) : options_(std::move(options)) {}

  Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) override;
  Result<std::string> read_range(const std::string& location, std::uint64_t offset,
                                 std::size_t bytes) override;
  Result<void> write(const std::string& location, std::string_view bytes) override;
  Result<std::unique_ptr<BlobWriter>> begin(const std::string& location) override;
  Result<void> remove(const std::string& location) override;

  // How a document looks now, without reading it; absent if that cannot be told.
  std::optional<SourceStamp> stamp_of(const std::string& location);

 private:
  Result<S3Blobs*> s3();
  Result<BlobStore*> store_of(const std::string& location);

  const ObjectOptions options_;
  LocalFiles files_;
  std::mutex mutex_;
  std::unique_ptr<S3Blobs> s3_;  // guarded by mutex_; made when a location first asks for it
};

}  // namespace penstock
