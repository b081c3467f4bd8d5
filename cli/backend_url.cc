#include "cli/backend_url.h"

namespace penstock {

BackendUrl parse_backend_url(const std::string& url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string::npos) return {};
  return {url.substr(0, colon), url.substr(colon + 1)};
}

std::string without_password(const std::string& url) {
  const std::size_t slashes = url.find("//");
  if (slashes == std::string::npos) return url;
  const std::size_t begin = slashes + 2;
  const std::size_t end = url.find_first_of("/?", begin);
  const std::size_t at = url.substr(0, end).rfind('@');
  if (at == std::string::npos || at < begin) return url;
  const std::size_t colon = url.find(':', begin);
  if (colon == std::string::npos || colon > at) return url;
  return url.substr(0, colon + 1) + "***" + url.substr(at);
}

}  // namespace penstock
