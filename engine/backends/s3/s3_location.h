// s3://BUCKET/KEY and how its parts are written in a URL.
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

// As the signature wants it: all but letters, digits and -._~ as %XX, in capitals; a slash stays in
// a path.
std::string uri_encoded(std::string_view text, bool is_path);

// A '+' is a space, as S3 has it in listings. Absent: a broken escape.
std::optional<std::string> uri_decoded(std::string_view text);

}  // namespace penstock
