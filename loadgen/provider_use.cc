#include "loadgen/provider_use.h"

#include <algorithm>
#include <future>
#include <utility>

#include "engine/http/http_client.h"
#include "engine/http/json.h"

namespace penstock {
namespace {

constexpr std::size_t minute = 60;

Result<std::string> ask(const std::string& method, const std::string& url) {
  std::promise<Result<HttpResponse>> promise;
  HttpClient client{HttpClientOptions{}};
  HttpRequest request;
  request.method = method;
  request.url = url;
  client.send(std::move(request),
              [&](Result<HttpResponse> response) { promise.set_value(std::move(response)); });
  Result<HttpResponse> response = promise.get_future().get();
  if (!response) return pass_on(response.error());
  if (response->status / 100 != 2)
    return permanent_error(url + " answered " + std::to_string(response->status));
  return std::move(response->body);
}

Result<Json> object_at(const std::string& url) {
  const Result<std::string> body = ask("GET", url);
  if (!body) return pass_on(body.error());
  Json object = Json::parse(*body, nullptr, false);
  if (!object.is_object() || !object.contains("keys"))
    return permanent_error(url + " tells of no keys");
  return object;
}

}  // namespace

double busiest_minute(const std::vector<std::uint64_t>& seconds) {
  std::uint64_t sum = 0;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    sum += seconds[i];
    if (i >= minute) sum -= seconds[i - minute];
    most = std::max(most, sum);
  }
  return static_cast<double>(most);
}

Result<void> reset_provider(const std::string& url) {
  const Result<std::string> done = ask("POST", url + "/stats/reset");
  if (!done) return pass_on(done.error());
  return {};
}

Result<std::vector<KeyRecord>> provider_use(const std::string& url, const ProviderPlan& plan) {
  const Result<Json> stats = object_at(url + "/stats");
  if (!stats) return pass_on(stats.error());
  const Result<Json> history = object_at(url + "/stats/history");
  if (!history) return pass_on(history.error());
  std::vector<KeyRecord> keys;
  for (std::uint32_t number = 1; number <= plan.keys; ++number) {
    KeyRecord key;
    key.name = "key " + std::to_string(number);
    key.requests_per_minute = plan.requests_per_minute;
    key.tokens_per_minute = plan.tokens_per_minute;
    const std::string name = provider_key_name(number);
    // Who is not there was not used.
    if (const auto use = (*stats)["keys"].find(name); use != (*stats)["keys"].end())
      key.refusals = use->value("violations", std::uint64_t{0});
    if (const auto use = (*history)["keys"].find(name); use != (*history)["keys"].end()) {
      key.requests_used = busiest_minute(use->at("requests").get<std::vector<std::uint64_t>>());
      key.tokens_used = busiest_minute(use->at("tokens").get<std::vector<std::uint64_t>>());
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace penstock
