#include "engine/http/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/core/clock.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t spare_bytes = 64;

template <auto free_it>
struct Free {
  template <typename T>
  void operator()(T* it) const {
    free_it(it);
  }
};
using Easy = std::unique_ptr<CURL, Free<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Free<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, Free<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, Free<curl_url_cleanup>>;

Multi make_multi(std::size_t connections_max) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Multi multi(curl_multi_init());
  const auto connections = static_cast<long>(connections_max);
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, connections);
  return multi;
}

// Where SSL_CERT_FILE and SSL_CERT_DIR point; libcurl reads neither by itself.
struct Certificates {
  const char* file = std::getenv("SSL_CERT_FILE");
  const char* folder = std::getenv("SSL_CERT_DIR");
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

// scheme://host:port, all of a URL that a message may show.
Result<std::string> origin_of(const std::string& url) {
  const Url parsed(curl_url());
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
  if (code != CURLUE_OK)
    return permanent_error(std::string("malformed URL: ") + curl_url_strerror(code));
  const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
  const std::string port = url_part(parsed.get(), CURLUPART_PORT);
  std::string origin = scheme + "://" + url_part(parsed.get(), CURLUPART_HOST);
  if (!port.empty()) origin += ":" + port;
  if (scheme != "http" && scheme != "https")
    return permanent_error(origin + ": neither http nor https");
  return origin;
}

// A line break would smuggle in another header.
bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

HeaderList header_list(const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers)
    list = curl_slist_append(list, value.empty() ? (name + ";").c_str()  // how libcurl spells it
                                                 : (name + ": " + value).c_str());
  // libcurl adds these two; a body goes out at once, and its type is the caller's business.
  list = curl_slist_append(list, "Expect:");
  if (!request.headers.find("Content-Type")) list = curl_slist_append(list, "Content-Type:");
  return HeaderList(list);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return text;
}

std::string in_words(milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s"
                                  : std::to_string(time.count()) + " ms";
}

// As the system says it, within a sentence.
std::string in_words(long os_error) {
  std::string text = std::generic_category().message(static_cast<int>(os_error));
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// One request, from send() to done.
struct Transfer {
  HttpRequest request;
  HttpClient::Done done;
  TimePoint sent_at{};

  std::string origin;

  // Since it has been started.
  Easy easy;
  HeaderList headers;
  HttpResponse response;
  std::size_t response_bytes_max = 0;
  std::size_t received_bytes = 0;  // head and body
  TimePoint received_at{};         // the latest of them
  bool is_too_large = false;
  std::array<char, CURL_ERROR_SIZE> error_text{};

  bool receive(std::size_t bytes) {
    received_bytes += bytes;
    received_at = std::chrono::steady_clock::now();
    is_too_large = received_bytes > response_bytes_max;
    return !is_too_large;
  }

  std::string stopped() const {
    return origin + ": the response stopped after " + std::to_string(response.body.size()) +
           " bytes";
  }
};

Result<void> check(Transfer& transfer) {
  Result<std::string> origin = origin_of(transfer.request.url);
  if (!origin) return pass_on(origin.error());
  transfer.origin = std::move(*origin);
  for (const auto& [name, value] : transfer.request.headers)
    if (!is_one_line(name) || !is_one_line(value))
      return permanent_error(transfer.origin + ": a header has a line break");
  return {};
}

tl::unexpected<Error> cancelled(const Transfer& transfer) {
  return tl::unexpected<Error>(Error{ErrorKind::cancelled, transfer.origin + ": cancelled"});
}

// libcurl's callbacks end a transfer by taking another number of bytes than they were given.
std::size_t on_header(char* data, std::size_t /*one*/, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.receive(size)) return 0;
  const std::string_view line(data, size);
  HttpHeaders& headers = transfer.response.headers;
  if (line.starts_with("HTTP/")) {
    headers = {};  // what came before belongs to an interim response
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    headers.add(std::string(trimmed(line.substr(0, colon))),
                std::string(trimmed(line.substr(colon + 1))));
  }
  return size;
}

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.receive(size)) return CURL_WRITEFUNC_ERROR;
  std::string& body = transfer.response.body;
  if (body.empty()) {
    curl_off_t promised = -1;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &promised);
    const auto length = static_cast<std::size_t>(std::max<curl_off_t>(promised, 0));
    transfer.is_too_large = length > transfer.response_bytes_max;
    if (transfer.is_too_large) return CURL_WRITEFUNC_ERROR;
    body.reserve(length + spare_bytes);
  }
  body.append(data, size);
  return size;
}

// What libcurl ran into, as our caller's error.
tl::unexpected<Error> explain(CURLcode code, const Transfer& transfer,
                              const HttpClientOptions& options) {
  const std::string& origin = transfer.origin;
  if (transfer.is_too_large)
    return permanent_error(origin + ": the response is larger than " +
                           std::to_string(options.response_bytes_max) + " bytes");
  long os_error = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &os_error);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return permanent_error(origin + ": the certificate is not trusted (" +
                             transfer.error_text.data() +
                             "); SSL_CERT_FILE names a file of those that are");
    case CURLE_SSL_CACERT_BADFILE:
      return permanent_error(origin + ": the file of trusted certificates cannot be read; " +
                             "see SSL_CERT_FILE and SSL_CERT_DIR");
    case CURLE_URL_MALFORMAT:
      return permanent_error(origin + ": malformed URL");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return permanent_error(origin + ": what answers there does not speak HTTP");
    case CURLE_COULDNT_RESOLVE_HOST:
      return retryable_error(origin + ": the host's name could not be resolved");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return retryable_error(origin + ": the proxy's name could not be resolved");
    case CURLE_COULDNT_CONNECT:
      return retryable_error(origin + ": " +
                             (os_error != 0 ? in_words(os_error) : "no connection"));
    case CURLE_OPERATION_TIMEDOUT:
      return retryable_error(origin + ": no connection within " +
                             in_words(options.connect_timeout));
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return retryable_error(transfer.received_bytes > 0
                                 ? transfer.stopped()
                                 : origin + ": the connection was closed without a response");
    default:
      return retryable_error(origin + ": " + curl_easy_strerror(code));
  }
}

}  // namespace

// Requests above connections_max wait here and not in libcurl, whose clock for connecting would
// run meanwhile.
class HttpClient::Loop {
 public:
  explicit Loop(HttpClientOptions options);
  ~Loop();

  void send(HttpRequest request, Done done);

 private:
  using TransferPtr = std::unique_ptr<Transfer>;

  void run();
  // False when the client is to end.
  bool take_sent();
  void start_waiting();
  void prepare(Transfer& transfer) const;
  void finish_ended();
  void finish_late(TimePoint now);
  void cancel_all();
  // Takes it out of libcurl and keeps its handle for another.
  TransferPtr take_running(CURL* easy);
  TimePoint end_of_wait(const Transfer& transfer) const;
  tl::unexpected<Error> late(const Transfer& transfer) const;
  milliseconds wait_max() const;

  const HttpClientOptions options_;
  const Certificates certificates_;
  const Multi multi_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<TransferPtr> sent_;
  bool is_ending_ = false;

  // Of the thread. Waiting ones are in the order of their deadlines.
  std::deque<TransferPtr> waiting_;
  std::unordered_map<CURL*, TransferPtr> running_;
  std::vector<Easy> spare_;
  std::thread thread_;
};

HttpClient::Loop::Loop(HttpClientOptions options)
    : options_(options), multi_(make_multi(options.connections_max)) {
  thread_ = std::thread([this] { run(); });
}

HttpClient::Loop::~Loop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void HttpClient::Loop::send(HttpRequest request, Done done) {
  auto transfer = std::make_unique<Transfer>();
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  transfer->sent_at = std::chrono::steady_clock::now();
  transfer->response_bytes_max = options_.response_bytes_max;
  {
    const std::lock_guard lock(mutex_);
    sent_.push_back(std::move(transfer));
  }
  curl_multi_wakeup(multi_.get());
}

void HttpClient::Loop::run() {
  while (take_sent()) {
    start_waiting();
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait_max().count()), nullptr);
    // Before reading: bytes that had come by now have their say before a deadline has.
    const TimePoint now = std::chrono::steady_clock::now();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    finish_ended();
    finish_late(now);
  }
  cancel_all();
}

bool HttpClient::Loop::take_sent() {
  std::deque<TransferPtr> sent;
  bool is_ending = false;
  {
    const std::lock_guard lock(mutex_);
    sent.swap(sent_);
    is_ending = is_ending_;
  }
  for (TransferPtr& transfer : sent) {
    if (const Result<void> is_valid = check(*transfer))
      waiting_.push_back(std::move(transfer));
    else
      transfer->done(pass_on(is_valid.error()));
  }
  return !is_ending;
}

void HttpClient::Loop::start_waiting() {
  while (!waiting_.empty() && running_.size() < options_.connections_max) {
    TransferPtr transfer = std::move(waiting_.front());
    waiting_.pop_front();
    if (spare_.empty()) spare_.emplace_back(curl_easy_init());
    transfer->easy = std::move(spare_.back());
    spare_.pop_back();
    prepare(*transfer);
    CURL* easy = transfer->easy.get();
    running_.emplace(easy, std::move(transfer));
    curl_multi_add_handle(multi_.get(), easy);
  }
}

void HttpClient::Loop::prepare(Transfer& transfer) const {
  CURL* easy = transfer.easy.get();
  const HttpRequest& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  transfer.headers = header_list(request);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());

  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // The first of many requests at once shows whether one connection carries them all. Over plain
  // http, where it cannot, the others would wait for its whole response.
  if (transfer.origin.starts_with("https:")) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A name that is still being resolved holds up neither the others nor the end.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.count()));
  if (certificates_.file != nullptr) curl_easy_setopt(easy, CURLOPT_CAINFO, certificates_.file);
  // Without a folder libcurl parses the file once and not for each connection.
  curl_easy_setopt(easy, CURLOPT_CAPATH, certificates_.folder);

  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error_text.data());
}

void HttpClient::Loop::finish_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    const CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    Transfer& transfer = *running_.at(easy);
    Result<HttpResponse> result;
    if (code == CURLE_OK) {
      transfer.response.status = static_cast<int>(status);
      transfer.response.body.reserve(transfer.response.body.size() + spare_bytes);
      result = std::move(transfer.response);
    } else {
      result = explain(code, transfer, options_);
    }
    take_running(easy)->done(std::move(result));
  }
}

void HttpClient::Loop::finish_late(TimePoint now) {
  while (!waiting_.empty() && now >= end_of_wait(*waiting_.front())) {
    const TransferPtr transfer = std::move(waiting_.front());
    waiting_.pop_front();
    transfer->done(late(*transfer));
  }
  std::vector<CURL*> ended;
  for (const auto& [easy, transfer] : running_)
    if (now >= end_of_wait(*transfer)) ended.push_back(easy);
  for (CURL* easy : ended) {
    const TransferPtr transfer = take_running(easy);
    transfer->done(late(*transfer));
  }
}

void HttpClient::Loop::cancel_all() {
  std::vector<CURL*> ended;
  for (const auto& running : running_) ended.push_back(running.first);
  for (CURL* easy : ended) {
    const TransferPtr transfer = take_running(easy);
    transfer->done(cancelled(*transfer));
  }
  // A request that is sent meanwhile is cancelled, too.
  do {
    for (const TransferPtr& transfer : std::exchange(waiting_, {}))
      transfer->done(cancelled(*transfer));
    take_sent();
  } while (!waiting_.empty());
}

HttpClient::Loop::TransferPtr HttpClient::Loop::take_running(CURL* easy) {
  TransferPtr transfer = std::move(running_.extract(easy).mapped());
  curl_multi_remove_handle(multi_.get(), easy);
  curl_easy_reset(easy);
  spare_.push_back(std::move(transfer->easy));
  return transfer;
}

TimePoint HttpClient::Loop::end_of_wait(const Transfer& transfer) const {
  const TimePoint end = transfer.sent_at + options_.total_timeout;
  if (transfer.received_bytes == 0) return end;
  return std::min(end, transfer.received_at + options_.stall_timeout);
}

tl::unexpected<Error> HttpClient::Loop::late(const Transfer& transfer) const {
  if (transfer.received_bytes > 0) return retryable_error(transfer.stopped());
  return retryable_error(transfer.origin + ": no response within " +
                         in_words(options_.total_timeout));
}

milliseconds HttpClient::Loop::wait_max() const {
  const TimePoint now = std::chrono::steady_clock::now();
  TimePoint next = now + std::chrono::minutes(1);
  if (!waiting_.empty()) next = std::min(next, end_of_wait(*waiting_.front()));
  for (const auto& [easy, transfer] : running_) next = std::min(next, end_of_wait(*transfer));
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next - now));
}

HttpClient::HttpClient(HttpClientOptions options) : loop_(std::make_unique<Loop>(options)) {}

HttpClient::~HttpClient() = default;

void HttpClient::send(HttpRequest request, Done done) {
  loop_->send(std::move(request), std::move(done));
}

}  // namespace penstock
