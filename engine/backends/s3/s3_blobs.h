// Documents in an object store.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/backends/s3/s3_client.h"
#include "engine/io/blob_store.h"
#include "engine/io/work_queue.h"

namespace penstock {

// Locations are s3://BUCKET/KEY. One that ends with a slash is a folder, of which S3 knows nothing:
// it is refused with what its listing runs into.
class S3Blobs final : public BlobStore {
 public:
  // Throws FatalError as S3Client does; does not connect.
  explicit S3Blobs(S3Options options) : client_(std::move(options)) {}

  // A content that does not match its checksum is a retryable error.
  Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) override;
  Result<std::string> read_range(const std::string& location, std::uint64_t offset,
                                 std::size_t bytes) override;
  // A large content goes in parts; what an earlier attempt at the same content left is not sent
  // again. Of a failed attempt the parts stay for the next one, unless it can never succeed.
  Result<void> write(const std::string& location, std::string_view bytes) override;
  // Keeps what comes in a nameless file of TMPDIR, or /var/tmp, until all of it is there: a request
  // is signed for its whole content, and one that fails is sent again.
  Result<std::unique_ptr<BlobWriter>> begin(const std::string& location) override;
  Result<void> remove(const std::string& location) override;

  // As a listing gives it. Absent if there is no such object. Blocks; any thread.
  Result<std::optional<SourceStamp>> stamp(const std::string& location);

 private:
  S3Client client_;
  // This service makes ETags of contents' MD5: one was. Until then one that differs proves nothing.
  std::atomic<bool> etags_are_md5_{false};
};

}  // namespace penstock
