// s3://BUCKET/KEY.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock {

struct S3Location {
  std::string bucket;
  std::string key;  // raw bytes; empty if the location is a bucket
};

// Absent: no such location. The bucket is one path component of letters, digits, '-', '_' and '.';
// whatever follows its slash is the key, to the last byte.
std::optional<S3Location> parse_s3_location(std::string_view location);

std::string to_string(const S3Location& location);

}  // namespace penstock
