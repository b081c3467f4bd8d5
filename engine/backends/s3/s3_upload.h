// A large content on its way into an object, in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/s3/s3_client.h"
#include "engine/core/error.h"
#include "engine/core/md5.h"

namespace penstock {

// Parts are named by their MD5, so an upload that was begun is known as one of this content by the
// parts it has, and is continued. One of another content is left alone: it may be another worker's,
// and under way. What a service keeps of uploads that nobody continues is for its lifecycle rules.
class S3Upload {
 public:
  // `content` must outlive it.
  S3Upload(S3Client& client, S3Location object, std::string_view content);

  // As BlobStore::write.
  Result<void> run();

 private:
  struct Part {
    std::string_view content;
    Md5 digest;
    std::string etag;  // once it was sent
  };

  // Finds an upload to continue, or begins one.
  Result<void> begin();
  // Whether it is one to continue: it has parts, and all are ours.
  Result<bool> adopt(const std::string& upload_id);
  Result<std::vector<std::string>> upload_ids();
  Result<void> send_missing();
  Result<void> complete();
  void abort();
  bool is_there_already();

  S3Request part_request(std::size_t index) const;

  S3Client& client_;
  const S3Location object_;
  std::vector<Part> parts_;
  std::string upload_id_;
};

}  // namespace penstock
