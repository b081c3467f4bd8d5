#include "engine/service/routes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "engine/core/uri.h"

namespace penstock {
namespace {

constexpr std::array routes = {
    Route{"POST", "/v1/documents", Action::upload, Scope::upload},
    Route{"GET", "/v1/documents", Action::list, Scope::read},
    Route{"PUT", "/v1/documents/{id}", Action::replace, Scope::upload},
    Route{"GET", "/v1/documents/{id}", Action::show, Scope::read},
    Route{"DELETE", "/v1/documents/{id}", Action::remove, Scope::upload},
    Route{"POST", "/v1/documents/{id}/retry", Action::retry, Scope::upload},
    // By a signature, too, and then without a key.
    Route{"GET", "/v1/documents/{id}/content", Action::content, Scope::read},
    Route{"POST", "/v1/documents/{id}/links", Action::link, Scope::read},
    Route{"GET", "/v1/documents/{id}/events", Action::document_events, Scope::read},
    Route{"GET", "/v1/events", Action::all_events, Scope::read},
    Route{"GET", "/v1/search", Action::search, Scope::read},
    Route{"GET", "/v1/failures", Action::failures, Scope::read},
    Route{"GET", "/v1/overview", Action::overview, Scope::admin},
    Route{"GET", "/healthz", Action::health, Scope::none},
    Route{"GET", "/readyz", Action::readiness, Scope::none},
    Route{"GET", "/metrics", Action::metrics, Scope::metrics},
    Route{"GET", "/openapi.json", Action::openapi, Scope::none},
    Route{"GET", "/", Action::asset, Scope::none},
    Route{"GET", "/assets/{name}", Action::asset, Scope::none},
};

// What stands for the braces; empty without any. Absent: another path.
std::optional<std::string_view> matched(std::string_view pattern, std::string_view path) {
  const std::size_t brace = pattern.find('{');
  if (brace == std::string_view::npos)
    return path == pattern ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view tail = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= brace + tail.size() || !path.starts_with(pattern.substr(0, brace)) ||
      !path.ends_with(tail))
    return std::nullopt;
  const std::string_view segment = path.substr(brace, path.size() - brace - tail.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return segment;
}

}  // namespace

std::span<const Route> all_routes() {
  return routes;
}

std::variant<RouteMatch, Problem> find_route(std::string_view method, std::string_view path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string methods;
  for (const Route& route : routes) {
    const auto segment = matched(route.path, path);
    if (!segment) continue;
    if (route.method != wanted) {
      methods.append(methods.empty() ? "" : ", ").append(route.method);
      continue;
    }
    std::optional<std::string> id = uri_decoded(*segment);
    if (!id) return bad_request("the path has a % that is no %XX");
    return RouteMatch{&route, std::move(*id)};
  }
  if (methods.empty()) return no_such_route(path.substr(0, 200));
  return method_not_allowed(std::move(methods));
}

}  // namespace penstock
