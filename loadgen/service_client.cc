#include "loadgen/service_client.h"

#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace penstock {
namespace {

constexpr int clock_looks = 9;
constexpr std::chrono::milliseconds between_looks{20};
constexpr std::chrono::seconds stream_pause{1};

HttpClientOptions stream_options() {
  HttpClientOptions options;
  options.total_timeout = std::chrono::hours(24 * 7);
  // A service that has nothing to say sends a sign of life every 15 s.
  options.stall_timeout = std::chrono::seconds(60);
  return options;
}

}  // namespace

ServiceClient::ServiceClient(std::string url, Secret api_key)
    : url_(std::move(url)), api_key_(std::move(api_key)), client_(HttpClientOptions{}) {}

ServiceClient::~ServiceClient() {
  stop_listening();
}

void ServiceClient::stop_listening() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  // Nobody sends on it any more, and what it was at ends.
  stream_.reset();
  if (thread_.joinable()) thread_.join();
}

HttpRequest ServiceClient::request(const std::string& path) const {
  HttpRequest request;
  request.url = url_ + path;
  if (!api_key_.empty()) request.headers.add("Authorization", "Bearer " + api_key_.expose());
  return request;
}

Result<Json> ServiceClient::get(const std::string& path) {
  std::promise<Result<HttpResponse>> promise;
  client_.send(request(path),
               [&](Result<HttpResponse> response) { promise.set_value(std::move(response)); });
  const Result<HttpResponse> response = promise.get_future().get();
  if (!response) return pass_on(response.error());
  const std::string place = url_ + path.substr(0, path.find('?'));
  Json body = Json::parse(response->body, nullptr, false);
  if (response->status != 200) {
    std::string what = place + " answered " + std::to_string(response->status);
    if (const std::string detail = text_in(body, "detail"); !detail.empty()) what += ": " + detail;
    return response->status >= 500 ? Result<Json>(retryable_error(what)) : permanent_error(what);
  }
  if (!body.is_object()) return permanent_error(place + " answered with what is no JSON object");
  return body;
}

Result<void> ServiceClient::wait_until_ready(std::chrono::seconds patience) {
  const TimePoint until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const Result<Json> overview = get("/v1/overview");
    if (overview) return {};
    if (overview.error().kind == ErrorKind::permanent || std::chrono::steady_clock::now() > until)
      return pass_on(overview.error());
    std::this_thread::sleep_for(between_looks);
  }
}

Result<ClockSight> ServiceClient::clock() {
  std::optional<ClockSight> best;
  for (int i = 0; i < clock_looks; ++i) {
    const TimePoint asked = std::chrono::steady_clock::now();
    const Result<Json> overview = get("/v1/overview");
    const auto round_trip = std::chrono::steady_clock::now() - asked;
    if (!overview) return pass_on(overview.error());
    const auto now = time_in(*overview, "now");
    if (!now) return permanent_error(url_ + "/v1/overview does not tell the time to milliseconds");
    // What it tells was rounded down.
    const ClockSight sight{asked + round_trip / 2, *now + half_a_millisecond,
                           round_trip / 2 + half_a_millisecond};
    if (!best || sight.doubt < best->doubt) best = sight;
    std::this_thread::sleep_for(between_looks);
  }
  return *best;
}

void ServiceClient::listen(std::function<void(const Json&)> heard, std::function<void()> reopened) {
  heard_ = std::move(heard);
  reopened_ = std::move(reopened);
  stream_ = std::make_unique<HttpClient>(stream_options());
  thread_ = std::thread([this] { keep_listening(); });
}

HttpRequest ServiceClient::stream_request(bool is_first) {
  HttpRequest stream = request("/v1/events");
  stream.sink = [this, is_open = is_first](const HttpResponse&,
                                           std::string_view piece) mutable -> Result<void> {
    if (!std::exchange(is_open, true)) reopened_();
    return events_.feed(piece, heard_);
  };
  return stream;
}

void ServiceClient::keep_listening() {
  for (bool is_first = true;; is_first = false) {
    std::promise<void> ended;
    {
      std::unique_lock lock(mutex_);
      if (!is_first) stop_.wait_for(lock, stream_pause, [this] { return stopping_; });
      if (stopping_) return;
      stream_->send(stream_request(is_first),
                    [&](const Result<HttpResponse>&) { ended.set_value(); });
    }
    ended.get_future().wait();
    events_.clear();
  }
}

}  // namespace penstock
