// A manifest names documents one by one: a JSON object a line.
#pragma once

#include <string>
#include <string_view>

#include "engine/core/error.h"

namespace penstock {

struct ManifestEntry {
  std::string key;  // defaults to path
  std::string path;
  std::string metadata;  // a JSON object, or empty
};

// {"path": "...", "key": "...", "metadata": {...}}: path is required, what else there is is
// ignored. The error says what is wrong with the line, not where it is.
Result<ManifestEntry> parse_manifest_line(std::string_view line);

}  // namespace penstock
