// What is in a bucket: ListObjectsV2, page by page, and what it says about each object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/s3/s3_client.h"
#include "engine/core/error.h"
#include "engine/io/work_queue.h"

namespace penstock {

struct S3Object {
  std::string key;
  SourceStamp stamp;
};

struct S3Page {
  std::vector<S3Object> objects;
  std::string next;  // the token of the page that follows; empty: this is the last
};

// For one page, of at most `objects_max` whose keys begin with `prefix`'s.
S3Request listing_request(const S3Location& prefix, const std::string& token,
                          std::size_t objects_max);

// Of the answer's body. What is no such page is a retryable error.
Result<S3Page> parse_listing(std::string_view xml);

// Both together, with the client's patience.
Result<S3Page> list_page(S3Client& client, const S3Location& prefix, const std::string& token,
                         std::size_t objects_max);

// The stamp that a listing gives, too. Absent if there is no such object.
Result<std::optional<SourceStamp>> stamp_of_object(S3Client& client, const S3Location& object);

// The quotes around an ETag are part of it in some answers, and in some they are not.
std::string_view unquoted(std::string_view etag);

}  // namespace penstock
