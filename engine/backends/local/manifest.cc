#include "engine/backends/local/manifest.h"

#include <simdjson.h>

#include "engine/backends/local/document_key.h"

namespace penstock {

Result<ManifestEntry> parse_manifest_line(std::string_view line) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto code = parser.parse(line.data(), line.size()).get(document); code)
    return permanent_error(std::string("not JSON: ") + simdjson::error_message(code));
  simdjson::dom::object object;
  if (document.get(object)) return permanent_error("not a JSON object");

  ManifestEntry entry;
  std::string_view text;
  if (object["path"].get(text) || text.empty())
    return permanent_error("\"path\" is missing or not a text");
  entry.path = text;
  if (entry.path.find('\0') != std::string::npos) return permanent_error("\"path\" holds a NUL");
  entry.key = entry.path;
  if (simdjson::dom::element key; !object["key"].get(key)) {
    if (key.get(text) || text.empty()) return permanent_error("\"key\" is not a text");
    entry.key = text;
    if (entry.key.find('\0') != std::string::npos) return permanent_error("\"key\" holds a NUL");
  }
  if (entry.key.size() > key_bytes_max)
    return permanent_error("its key has " + std::to_string(entry.key.size()) +
                           " bytes, of at most " + std::to_string(key_bytes_max));
  if (simdjson::dom::element metadata; !object["metadata"].get(metadata)) {
    if (!metadata.is_object()) return permanent_error("\"metadata\" is not an object");
    entry.metadata = simdjson::minify(metadata);
  }
  return entry;
}

}  // namespace penstock
