#include "engine/backends/s3/s3_client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string_view>

#include "engine/backends/s3/s3_error.h"
#include "engine/core/uri.h"

namespace penstock {
namespace {

bool is_visible_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7F'; });
}

// Without a slash at its end.
std::string base_url_of(const S3Options& options) {
  std::string url = options.endpoint;
  if (url.empty()) url = "https://s3." + options.region + ".amazonaws.com";
  while (url.ends_with('/')) url.pop_back();
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  // A user in it would be a secret, and is not printed.
  if (!is_http || url.ends_with(":/") || url.find_first_of("?#@") != std::string::npos ||
      !is_visible_ascii(url))
    throw FatalError(
        "the S3 endpoint is no URL such as https://s3.eu-central-1.amazonaws.com: it has scheme, "
        "host, and perhaps port and path, and no more");
  return url;
}

AwsCredentials credentials_of(const S3Options& options) {
  const bool is_region = !options.region.empty() && is_visible_ascii(options.region) &&
                         options.region.find_first_of(":/") == std::string::npos;
  if (!is_region) throw FatalError("the S3 region is no name such as eu-central-1: set AWS_REGION");
  if (options.access_key.empty() != options.secret_key.empty())
    throw FatalError(
        "S3 wants both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither for a public "
        "bucket");
  if (!is_visible_ascii(options.access_key) || !is_visible_ascii(options.secret_key) ||
      !is_visible_ascii(options.session_token))
    throw FatalError(
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN has a blank or a character "
        "that is not ASCII: set it again");
  return {options.access_key, options.secret_key, options.session_token, options.region, "s3"};
}

// Of a URL that base_url_of() made.
std::string path_in(std::string_view url) {
  const std::size_t host = url.find("://") + 3;
  return std::string(url.substr(std::min(url.find('/', host), url.size())));
}

std::string target_of(const std::string& path, const std::map<std::string, std::string>& query) {
  std::string target = uri_encoded(path, "/");
  char before = '?';
  for (const auto& [name, value] : query) {
    target.append(1, before).append(uri_encoded(name)).append("=").append(uri_encoded(value));
    before = '&';
  }
  return target;
}

}  // namespace

S3Patience::S3Patience(const S3Options& options)
    : patience_(options.patience),
      left_(options.patience),
      backoff_(options.first_pause, options.longest_pause, 0.5, std::random_device()()) {}

std::optional<Duration> S3Patience::next() {
  const Duration pause = backoff_.next();
  if (pause > left_) return std::nullopt;
  left_ -= pause;
  return pause;
}

void S3Patience::reset() {
  left_ = patience_;
  backoff_.reset();
}

S3Client::S3Client(S3Options options)
    : options_(std::move(options)),
      base_url_(base_url_of(options_)),
      credentials_(credentials_of(options_)),
      http_(std::make_unique<HttpClient>(options_.http)) {}

S3Client::~S3Client() = default;

HttpRequest S3Client::to_http(S3Request request) const {
  std::string path = '/' + request.at.bucket;
  if (!request.at.key.empty()) path += '/' + request.at.key;
  HttpRequest http;
  http.method = std::move(request.method);
  http.url = base_url_ + target_of(path, request.query);
  http.headers = std::move(request.headers);
  if ((http.method == "POST" || http.method == "PUT") && !http.headers.find("Content-Type"))
    http.headers.add("Content-Type", "application/octet-stream");
  http.body = std::move(request.body);
  http.sink = std::move(request.sink);
  if (!credentials_.access_key.empty())
    aws_sign(http, path_in(base_url_) + path, std::move(request.query), credentials_,
             std::chrono::system_clock::now());
  return http;
}

std::future<Result<HttpResponse>> S3Client::start(S3Request request) {
  const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  std::future<Result<HttpResponse>> answer = promise->get_future();
  HttpRequest http = to_http(std::move(request));
  const std::lock_guard lock(mutex_);
  if (http_ == nullptr) {
    promise->set_value(tl::unexpected<Error>(Error{ErrorKind::cancelled, "stopped"}));
    return answer;
  }
  http_->send(std::move(http), [promise](Result<HttpResponse> response) {
    promise->set_value(std::move(response));
  });
  return answer;
}

Result<HttpResponse> S3Client::ask(const S3Request& request) {
  S3Patience patience(options_);
  for (;;) {
    Result<HttpResponse> response = start(request).get();
    const std::optional<Error> failure =
        response ? failure_of(*response) : std::optional(response.error());
    if (!failure || failure->kind != ErrorKind::retryable) return response;
    if (!pause(patience)) return pass_on(*failure);
  }
}

bool S3Client::pause(S3Patience& patience) {
  const std::optional<Duration> duration = patience.next();
  if (!duration) return false;
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, *duration, [this] { return http_ == nullptr; });
}

void S3Client::stop() {
  std::unique_ptr<HttpClient> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = std::move(http_);
  }
  stopped_.notify_all();
}

}  // namespace penstock
