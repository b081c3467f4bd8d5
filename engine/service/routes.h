// Which paths there are: the one table of what the service answers, and how a target finds its row.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/service/problem.h"

namespace penstock {

// Everything the service can be asked to do.
enum class Action {
  upload,
  replace,
  list,
  show,
  remove,
  retry,
  content,
  link,
  document_events,
  all_events,
  search,
  failures,
  overview,
  health,
  readiness,
  metrics,
  openapi,
  asset,
};

// What an API key may be good for. Each includes nothing of the others.
enum class Scope { none, upload, read, admin, metrics };

constexpr std::string_view name_of(Scope scope) {
  constexpr std::string_view names[] = {"none", "upload", "read", "admin", "metrics"};
  return names[static_cast<std::size_t>(scope)];
}

struct Route {
  std::string_view method;
  std::string_view path;  // a segment in braces takes any one; the name of metrics and OpenAPI
  Action action = Action::health;
  Scope scope = Scope::none;
};

std::span<const Route> all_routes();

struct RouteMatch {
  const Route* route = nullptr;
  std::string id;  // decoded; what stood for {id}, or for {name} of an asset
};

// A HEAD finds what a GET does.
std::variant<RouteMatch, Problem> find_route(std::string_view method, std::string_view path);

}  // namespace penstock
