// One object on its way into memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/backends/s3/s3_client.h"
#include "engine/core/error.h"
#include "engine/core/memory_file.h"

namespace penstock {

// What breaks off is continued where it stopped, as long as it is the same content (its ETag).
// Patience begins anew with each byte that came. One thread; the client's writes meanwhile.
class S3Download {
 public:
  S3Download(S3Client& client, S3Location object, std::uint64_t bytes_max)
      : client_(client), object_(std::move(object)), bytes_max_(bytes_max) {}

  // As BlobStore::read. Once.
  Result<MemoryFile> run();
  // Of the answer that brought the content's beginning.
  const HttpHeaders& headers() const { return headers_; }

 private:
  Result<void> attempt();
  Result<void> take(const HttpResponse& head, std::string_view piece);
  Result<void> begin(const HttpResponse& head);
  Result<void> begin_anew(const HttpResponse& head);
  std::uint64_t received() const { return file_ ? file_->size() : 0; }
  tl::unexpected<Error> too_large(std::uint64_t bytes) const;

  S3Client& client_;
  const S3Location object_;
  const std::uint64_t bytes_max_;
  std::optional<MemoryFile::Writer> file_;
  std::optional<std::uint64_t> length_;
  HttpHeaders headers_;
  bool has_begun_ = false;  // this attempt
};

}  // namespace penstock
