#include "loadgen/emulate/s3_target.h"

#include <algorithm>
#include <cstddef>

#include "engine/core/uri.h"

namespace penstock {
namespace {

bool parse_query(std::string_view query, std::map<std::string, std::string>& parsed) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const auto name = uri_decoded(pair.substr(0, equals));
    const auto value = uri_decoded(equals == std::string_view::npos ? std::string_view()
                                                                    : pair.substr(equals + 1));
    if (!name || name->empty() || !value || !parsed.emplace(*name, *value).second) return false;
  }
  return true;
}

}  // namespace

const std::string* S3Target::find(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? nullptr : &found->second;
}

std::optional<S3Target> parse_s3_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  const auto path = uri_decoded(target.substr(0, mark));
  if (!path || !path->starts_with('/')) return std::nullopt;
  S3Target parsed;
  if (mark != std::string_view::npos && !parse_query(target.substr(mark + 1), parsed.query))
    return std::nullopt;
  const std::size_t slash = path->find('/', 1);
  parsed.path = *path;
  parsed.bucket = path->substr(1, slash == std::string::npos ? slash : slash - 1);
  if (slash != std::string::npos) parsed.key = path->substr(slash + 1);
  return parsed;
}

}  // namespace penstock
