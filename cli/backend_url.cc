#include "cli/backend_url.h"

#include <algorithm>

namespace penstock {

BackendUrl parse_backend_url(const std::string& url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string::npos) return {};
  return {url.substr(0, colon), url.substr(colon + 1)};
}

std::string without_password(const std::string& url) {
  const std::size_t slashes = url.find("//");
  if (slashes == std::string::npos) return url;
  std::string shown = url;
  // It may hold a slash by mistake: the last '@' ends it, as where it is read.
  const std::size_t colon = url.find(':', slashes);
  const std::size_t at = url.rfind('@');
  if (at != std::string::npos && colon < at) shown.replace(colon + 1, at - colon - 1, "***");
  // libpq takes one in the query, too.
  constexpr std::string_view keyword = "password=";
  std::size_t next = std::min(shown.find('?'), shown.size());
  while ((next = shown.find(keyword, next)) != std::string::npos) {
    next += keyword.size();
    shown.replace(next, std::min(shown.find('&', next), shown.size()) - next, "***");
  }
  return shown;
}

}  // namespace penstock
