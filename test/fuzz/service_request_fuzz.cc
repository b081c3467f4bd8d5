// Any request line and any header of a range: what the service makes of them holds together.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/service/content.h"
#include "engine/service/document_view.h"
#include "engine/service/routes.h"
#include "test/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view request = text.substr(0, line);
  const std::string_view range = text.substr(std::min(line + 1, text.size()));
  const std::size_t blank = std::min(request.find(' '), request.size());
  const UrlTarget target(request.substr(std::min(blank + 1, request.size())));

  const auto found = find_route(request.substr(0, blank), target.path());
  if (const auto* problem = std::get_if<Problem>(&found)) {
    REQUIRE(problem->status >= 400 && problem->status < 500);
    REQUIRE(!problem_text(*problem).empty());
  } else {
    REQUIRE(std::get<RouteMatch>(found).route != nullptr);
    // Nobody knows the secret.
    const auto claim = verified_link(target, std::get<RouteMatch>(found).id, Secret("a secret"),
                                     WallTime(std::chrono::milliseconds(0)));
    REQUIRE(!claim);
  }
  if (const auto name = name_of_key(text)) REQUIRE(key_of(*name) == text);
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{1'000}, UINT64_MAX}) {
    const auto some = range_of(range, bytes);
    if (some && some->first <= some->last) REQUIRE(some->last < bytes);
  }
  return 0;
}
