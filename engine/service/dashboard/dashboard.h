// The dashboard: a page for people, and all that it consists of, carried in the binary.
#pragma once

#include <span>
#include <string_view>

namespace penstock {

// A file as it is served. Everything it refers to is another asset or the service's API, relative
// to where the page is, so that a proxy may put a prefix before all of it. It needs no more than
// Content-Security-Policy: default-src 'self'.
struct Asset {
  std::string_view path;  // "/" is the page; the rest is below /assets/
  std::string_view media_type;
  std::string_view bytes;
  std::string_view etag;  // with its quotes; another one for every content
};

// All of them; they live as long as the process. For any thread.
std::span<const Asset> dashboard_assets();

}  // namespace penstock
