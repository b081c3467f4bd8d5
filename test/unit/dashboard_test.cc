#include "engine/service/dashboard/dashboard.h"

#include <map>
#include <regex>
#include <set>
#include <string>

#include "test/support/catch.h"

namespace penstock {
namespace {

std::map<std::string_view, Asset> by_path() {
  std::map<std::string_view, Asset> assets;
  for (const Asset& asset : dashboard_assets()) assets.emplace(asset.path, asset);
  return assets;
}

// What `pattern` captures in `text`, as paths below /assets/.
std::set<std::string> captured(std::string_view text, const std::string& pattern) {
  const std::string copy(text);
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator at(copy.begin(), copy.end(), regex), end; at != end; ++at)
    found.insert("/assets/" + (*at)[1].str());
  return found;
}

TEST_CASE("dashboard: every file has a path of its own and an etag of its content") {
  const auto assets = by_path();
  CHECK(assets.size() == dashboard_assets().size());
  std::set<std::string_view> etags;
  for (const auto& [path, asset] : assets) {
    CAPTURE(path);
    CHECK_FALSE(asset.bytes.empty());
    CHECK(std::regex_match(std::string(asset.etag), std::regex("\"[0-9a-f]{32}\"")));
    etags.insert(asset.etag);
  }
  CHECK(etags.size() == assets.size());
}

TEST_CASE("dashboard: files have the type that a browser wants of them") {
  const auto assets = by_path();
  CHECK(assets.at("/").media_type == "text/html; charset=utf-8");
  CHECK(assets.at("/assets/app.js").media_type == "text/javascript; charset=utf-8");
  CHECK(assets.at("/assets/app.css").media_type == "text/css; charset=utf-8");
  CHECK(assets.at("/assets/icon.svg").media_type == "image/svg+xml; charset=utf-8");
  CHECK(assets.at("/assets/third_party.txt").media_type == "text/plain; charset=utf-8");
}

TEST_CASE("dashboard: a file is carried as it stands") {
  const auto assets = by_path();
  CHECK(assets.at("/").bytes.starts_with("<!doctype html>"));
  CHECK(assets.at("/").bytes.ends_with("</html>\n"));
  CHECK(assets.at("/assets/dygraph.js").bytes.size() > 100'000);
}

TEST_CASE("dashboard: what the page and its modules refer to is carried and nothing else is") {
  const auto assets = by_path();
  auto wanted = captured(assets.at("/").bytes, R"re((?:href|src)="assets/([^"]+)")re");
  for (const auto& [path, asset] : assets) {
    if (path == "/assets/dygraph.js") continue;
    wanted.merge(captured(asset.bytes, R"re(from '\./([^']+)')re"));
  }
  wanted.insert("/");
  wanted.insert("/openapi.json");
  std::set<std::string> carried;
  for (const auto& [path, asset] : assets) carried.emplace(path);
  CHECK(carried == wanted);
}

TEST_CASE("dashboard: the page has neither code nor style of its own within its markup") {
  const std::string page(by_path().at("/").bytes);
  CHECK_FALSE(std::regex_search(page, std::regex(R"re(<style| style="| on\w+="|javascript:)re")));
  CHECK_FALSE(std::regex_search(page, std::regex("<script(?![^>]* src=)")));
}

}  // namespace
}  // namespace penstock
