// What a client says of a link: how long it is to hold, and what it leads to. The first line is a
// document's id, the rest is a body and a query.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/core/sha256.h"
#include "engine/http/url_target.h"
#include "engine/service/content.h"
#include "engine/service/routes.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

void check_lifetime(const std::string& body) {
  const auto lifetime = link_lifetime(body);
  if (const auto* problem = std::get_if<Problem>(&lifetime)) {
    REQUIRE(problem->status == 400 && !problem_text(*problem).empty());
    return;
  }
  const auto seconds = std::get<std::chrono::seconds>(lifetime);
  REQUIRE(seconds >= std::chrono::seconds(1) && seconds <= link_lifetime_max);
}

// A link leads to what it was made for until it ends, and whoever writes something else on it is
// led nowhere.
void check_link(const std::string& id, const std::string& query) {
  const Secret secret("a secret");
  const WallTime expires(std::chrono::milliseconds(1'000'000));
  const WallTime before = expires - std::chrono::milliseconds(1);
  CatalogEntry entry;
  entry.name = {"tenant", id};
  entry.digest = sha256("content");
  const auto is_made_for = [&](const LinkClaim& claim) {
    return claim.tenant == "tenant" && claim.version == to_hex(entry.digest) &&
           claim.expires == expires;
  };

  const UrlTarget link(signed_link(entry, expires, secret));
  REQUIRE(link.is_sound() && !link.repeated());
  const auto found = find_route("GET", link.path());
  const auto* match = std::get_if<RouteMatch>(&found);
  REQUIRE(match && match->route->action == Action::content && match->id == id);
  const auto claim = verified_link(link, id, secret, before);
  REQUIRE(claim && is_made_for(*claim));
  REQUIRE(!verified_link(link, id, secret, expires));
  REQUIRE(!verified_link(link, id + 'x', secret, before));

  const UrlTarget forged(link.path() + "?signature=" + link.parameter("signature") + '&' + query);
  if (const auto said = verified_link(forged, id, secret, before)) REQUIRE(is_made_for(*said));
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string rest(text.substr(std::min(line + 1, text.size())));
  penstock::check_lifetime(rest);
  if (line > 0) penstock::check_link(std::string(text.substr(0, line)), rest);
  return 0;
}
