// Uploads in parts that are under way at the emulated store.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/core/error.h"
#include "engine/core/md5.h"
#include "loadgen/emulate/s3_signature.h"

namespace penstock {

struct S3Part {
  std::string content;
  Md5 digest;
};

struct S3PendingUpload {
  std::string bucket;
  std::string key;
  std::map<std::uint32_t, S3Part> parts;  // by number
};

struct S3Completed {
  std::string content;
  std::string etag;  // of the parts' digests, as S3 makes it; quoted
};

// One thread.
class S3Uploads {
 public:
  // Its id.
  std::string create(std::string bucket, std::string key);
  // Null if there is none of this id for this object.
  S3PendingUpload* find(const std::string& id, const std::string& bucket, const std::string& key);
  // The content that a CompleteMultipartUpload document makes of the upload's parts; the upload
  // stays as it is.
  static tl::expected<S3Completed, S3Refusal> complete(const S3PendingUpload& upload,
                                                       const std::string& document);
  void remove(const std::string& id) { uploads_.erase(id); }
  const std::map<std::string, S3PendingUpload>& all() const { return uploads_; }

 private:
  std::uint64_t created_ = 0;
  std::map<std::string, S3PendingUpload> uploads_;  // by id
};

}  // namespace penstock
