#include "engine/backends/pinecone/index_client.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>
#include <utility>

#include "engine/core/backoff.h"
#include "engine/http/provider_error.h"

namespace penstock {
namespace {

using std::chrono::duration_cast;

// The shapes of requests and answers are those of this version, whatever becomes of later ones.
constexpr const char* api_version = "2025-04";
constexpr std::chrono::seconds retry_after_max = std::chrono::hours(24);
// Attempts that failed together do not come back together.
constexpr double pause_jitter = 0.5;

bool may_succeed_later(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

// Dates are passed over: no server of Pinecone's sends one.
std::optional<Duration> retry_after(const HttpHeaders& headers) {
  const std::optional<std::string_view> words = headers.find("retry-after");
  if (!words) return std::nullopt;
  std::uint32_t seconds = 0;
  const char* const last = words->data() + words->size();
  const auto [end, error] = std::from_chars(words->data(), last, seconds);
  if (error != std::errc() || end != last) return std::nullopt;
  return std::min(std::chrono::seconds(seconds), retry_after_max);
}

std::string in_seconds(Duration time) {
  return std::to_string(duration_cast<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

struct IndexClient::Attempt {
  IndexRequest request;
  std::optional<Backoff> backoff;  // since its first failure
  TimePoint gives_up_at{};         // likewise
};

// One call of run(). All but what arrives is of its thread.
class IndexClient::Run {
 public:
  Run(IndexClient& client, const Source& source, Duration patience)
      : client_(client), source_(source), patience_(patience) {}

  Result<void> operator()() {
    for (;;) {
      while (start_one()) {
      }
      if (under_way_.empty() && (error_ || later_.empty())) break;
      for (auto& [number, result] : wait()) finish(number, std::move(result));
    }
    if (error_) return pass_on(*error_);
    return {};
  }

 private:
  using AttemptPtr = std::unique_ptr<Attempt>;

  // What the HTTP client's thread hands over. It may still be at it when the run has ended.
  struct Arrivals {
    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<std::pair<std::uint64_t, Result<HttpResponse>>> results;  // guarded by mutex
  };

  bool start_one() {
    const std::size_t room = client_.options_.requests_in_flight;
    if (error_ || under_way_.size() >= room) return false;
    AttemptPtr attempt;
    if (!later_.empty() && later_.begin()->first <= std::chrono::steady_clock::now()) {
      attempt = std::move(later_.begin()->second);
      later_.erase(later_.begin());
    } else if (under_way_.size() + later_.size() < room) {
      // Those that wait keep their places: a service that is busy is not asked for more.
      attempt = next();
    }
    if (!attempt) return false;
    const std::uint64_t number = ++started_;
    HttpRequest request = client_.http_request(attempt->request);
    under_way_.emplace(number, std::move(attempt));
    client_.http_.send(std::move(request),
                       [arrivals = arrivals_, number](Result<HttpResponse> result) {
                         const std::lock_guard lock(arrivals->mutex);
                         arrivals->results.emplace_back(number, std::move(result));
                         arrivals->arrived.notify_one();
                       });
    return true;
  }

  AttemptPtr next() {
    std::optional<IndexRequest> request;
    if (!more_.empty()) {
      request = std::move(more_.front());
      more_.pop_front();
    } else if (!is_drained_) {
      request = source_();
      is_drained_ = !request;
    }
    if (!request) return nullptr;
    return std::make_unique<Attempt>(Attempt{*std::move(request), std::nullopt, {}});
  }

  // What has arrived; nothing if an attempt is due before.
  std::vector<std::pair<std::uint64_t, Result<HttpResponse>>> wait() {
    std::unique_lock lock(arrivals_->mutex);
    const auto has_some = [this] { return !arrivals_->results.empty(); };
    if (later_.empty() || error_) {
      arrivals_->arrived.wait(lock, has_some);
    } else {
      arrivals_->arrived.wait_until(lock, later_.begin()->first, has_some);
    }
    return std::exchange(arrivals_->results, {});
  }

  void finish(std::uint64_t number, Result<HttpResponse> result) {
    AttemptPtr attempt = std::move(under_way_.extract(number).mapped());
    std::vector<IndexRequest> more;
    const Result<void> settled = client_.settle(attempt->request, result, more);
    if (settled) {
      std::ranges::move(more, std::back_inserter(more_));
    } else if (settled.error().kind != ErrorKind::retryable) {
      fail(settled.error());
    } else {
      const std::optional<Duration> asked =
          result ? retry_after(result->headers) : std::optional<Duration>();
      try_again(std::move(attempt), settled.error(), asked);
    }
  }

  void try_again(AttemptPtr attempt, Error error, std::optional<Duration> asked) {
    const TimePoint now = std::chrono::steady_clock::now();
    if (!attempt->backoff) {
      attempt->backoff.emplace(client_.options_.pause_first, client_.options_.pause_max,
                               pause_jitter, std::random_device()());
      attempt->gives_up_at = now + patience_;
    }
    const TimePoint due = now + asked.value_or(attempt->backoff->next());
    if (due > attempt->gives_up_at) {
      if (asked) error.message += " (it asks to come back in " + in_seconds(*asked) + ")";
      if (patience_ > Duration{}) error.message += "; gave up after " + in_seconds(patience_);
      return fail(std::move(error));
    }
    later_.emplace(due, std::move(attempt));
  }

  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }

  IndexClient& client_;
  const Source& source_;
  const Duration patience_;
  const std::shared_ptr<Arrivals> arrivals_ = std::make_shared<Arrivals>();
  std::unordered_map<std::uint64_t, AttemptPtr> under_way_;
  std::multimap<TimePoint, AttemptPtr> later_;
  std::deque<IndexRequest> more_;
  std::uint64_t started_ = 0;
  bool is_drained_ = false;
  std::optional<Error> error_;
};

IndexClient::IndexClient(const PineconeOptions& options)
    : options_(options), address_(index_address(options.url)), http_(options.http) {}

Result<void> IndexClient::run(const Source& source, Duration patience) {
  return Run(*this, source, patience)();
}

Result<void> IndexClient::run(std::vector<IndexRequest> requests, Duration patience) {
  std::size_t at = 0;
  return run(
      [&]() -> std::optional<IndexRequest> {
        if (at == requests.size()) return std::nullopt;
        return std::move(requests[at++]);
      },
      patience);
}

HttpRequest IndexClient::http_request(const IndexRequest& request) const {
  HttpRequest http;
  http.method = request.method;
  http.url = address_.origin + request.target;
  http.headers.add("Api-Key", options_.api_key.expose());
  http.headers.add("X-Pinecone-API-Version", api_version);
  http.headers.add("Accept", "application/json");
  if (!request.body.empty()) http.headers.add("Content-Type", "application/json");
  http.body = request.body;
  return http;
}

Result<void> IndexClient::settle(const IndexRequest& request, Result<HttpResponse>& result,
                                 std::vector<IndexRequest>& more) const {
  if (!result) return tl::unexpected(Error{result.error().kind, about(result.error().message)});
  HttpResponse& response = *result;
  const bool is_success = response.status / 100 == 2;
  ProviderError said;
  if (!is_success) said = read_provider_error(response.body);
  // A namespace comes into being with its first record.
  const bool is_absent = response.status == 404 && said.message.starts_with("Namespace not found");
  if (is_absent) response.body = "{}";
  if (is_success || is_absent) {
    Result<void> taken = request.take(response, more);
    if (!taken) more.clear();
    if (!taken) taken.error().message = about(taken.error().message);
    return taken;
  }

  std::string what = "HTTP " + std::to_string(response.status);
  if (!said.message.empty()) what += ": " + said.message;
  if (response.status == 401 || response.status == 403)
    what += "; is PINECONE_API_KEY a key of this index's project, and may it write?";
  if (response.status == 404) what += "; is that the host of an index?";
  const ErrorKind kind =
      may_succeed_later(response.status) ? ErrorKind::retryable : ErrorKind::permanent;
  return tl::unexpected(Error{kind, about(what)});
}

std::string IndexClient::about(std::string_view what) const {
  return address_.name + ": " + presentable(what, {options_.api_key.expose()});
}

}  // namespace penstock
