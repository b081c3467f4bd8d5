// What a request to the emulated object store is about.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

struct S3Target {
  std::string path;                          // decoded, with the slash in front
  std::string bucket;                        // empty: the service itself
  std::string key;                           // empty: the bucket
  std::map<std::string, std::string> query;  // decoded; a name without `=` has an empty value

  // Null if it is not there.
  const std::string* find(const std::string& name) const;
};

// Of a request line's target, /BUCKET/KEY?QUERY. Absent: broken escapes, no path, or a query that
// has a name twice.
std::optional<S3Target> parse_s3_target(std::string_view target);

}  // namespace penstock
