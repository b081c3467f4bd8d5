#include <algorithm>
#include <set>
#include <string>

#include "engine/http/json.h"
#include "engine/service/dashboard/dashboard.h"
#include "engine/service/routes.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

Json document() {
  for (const Asset& asset : dashboard_assets())
    if (asset.path == "/openapi.json") return Json::parse(asset.bytes);
  FAIL("there is no /openapi.json");
  return {};
}

std::string small(std::string_view method) {
  std::string letters(method);
  std::ranges::transform(letters, letters.begin(),
                         [](char c) { return static_cast<char>(c | ' '); });
  return letters;
}

TEST_CASE("openapi: names every route of the service and no other") {
  std::set<std::string> served;
  for (const Route& route : all_routes())
    if (route.action != Action::asset)
      served.insert(small(route.method) + ' ' + std::string(route.path));
  std::set<std::string> described;
  const Json paths = document().at("paths");
  for (const auto& [path, operations] : paths.items())
    for (const auto& [method, operation] : operations.items())
      if (method != "parameters") described.insert(method + ' ' + path);
  CHECK(described == served);
}

TEST_CASE("openapi: says which scope a route wants") {
  const Json paths = document().at("paths");
  for (const Route& route : all_routes()) {
    if (route.action == Action::asset) continue;
    INFO(route.method << ' ' << route.path);
    const Json& operation = paths.at(std::string(route.path)).at(small(route.method));
    if (route.scope == Scope::none) {
      CHECK(operation.at("security").empty());
    } else {
      CHECK(operation.at("description") == "Scope: " + std::string(name_of(route.scope)));
    }
  }
}

TEST_CASE("openapi: what it refers to is there") {
  const Json whole = document();
  std::set<std::string> refers;
  const auto visit = [&](const auto& self, const Json& value) -> void {
    if (value.is_object() && value.contains("$ref"))
      refers.insert(value.at("$ref").get<std::string>());
    for (const Json& part : value)
      if (part.is_structured()) self(self, part);
  };
  visit(visit, whole);
  REQUIRE(refers.contains("#/components/schemas/Document"));
  for (const std::string& reference : refers) {
    INFO(reference);
    CHECK(whole.contains(Json::json_pointer(reference.substr(1))));
  }
}

}  // namespace
}  // namespace penstock
