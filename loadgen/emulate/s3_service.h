// What S3 answers: its protocol without a network. Path-style requests, PUT, GET (Range, If-Match),
// HEAD and DELETE of objects, ListObjectsV2, uploads in parts. Whatever else there is in S3 is
// answered NotImplemented, so that nobody relies on it unawares.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/http_server.h"
#include "loadgen/emulate/s3_objects.h"
#include "loadgen/emulate/s3_signature.h"
#include "loadgen/emulate/s3_target.h"
#include "loadgen/emulate/s3_uploads.h"

namespace penstock {

enum class S3Operation {
  refused,  // none: the signature is wrong, or the request is none of S3's
  get_object,
  head_object,
  put_object,
  delete_object,
  list_objects,
  create_upload,
  put_part,
  complete_upload,
  abort_upload,
  list_parts,
  list_uploads,
  bucket,  // makes one, or asks whether it is there
};

inline constexpr std::array<std::string_view, 13> s3_operation_names = {
    "refused",      "get_object",    "head_object", "put_object",      "delete_object",
    "list_objects", "create_upload", "put_part",    "complete_upload", "abort_upload",
    "list_parts",   "list_uploads",  "bucket"};

constexpr std::string_view name_of(S3Operation operation) {
  return s3_operation_names[static_cast<std::size_t>(operation)];
}

struct S3Answer {
  S3Operation operation = S3Operation::refused;
  int status = 200;
  HttpHeaders headers;
  std::string body;
  std::uint64_t bytes = 0;  // of the body, which an answer to HEAD does not have
};

struct S3ServiceOptions {
  S3Credentials credentials;
  std::string folder;                // as of S3Objects
  std::vector<std::string> buckets;  // likewise
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
};

// One thread.
class S3Service {
 public:
  // Throws FatalError as S3Objects does.
  explicit S3Service(S3ServiceOptions options);

  S3Answer answer(const ServedRequest& request);

 private:
  S3Answer dispatch(const ServedRequest& request, const S3Target& target);
  S3Answer answer_bucket(const ServedRequest& request, const S3Target& target);
  S3Answer answer_object(const ServedRequest& request, const S3Target& target);
  S3Answer answer_upload(const ServedRequest& request, const S3Target& target);

  S3Answer get(const ServedRequest& request, const S3Target& target);
  S3Answer put(const ServedRequest& request, const S3Target& target);
  S3Answer list(const S3Target& target);
  S3Answer create_upload(const S3Target& target);
  S3Answer put_part(const ServedRequest& request, const S3Target& target, S3PendingUpload& upload);
  S3Answer complete(const ServedRequest& request, const S3Target& target, const std::string& id);
  S3Answer list_uploads(const S3Target& target) const;

  const S3ServiceOptions options_;
  S3Objects objects_;
  S3Uploads uploads_;
};

}  // namespace penstock
