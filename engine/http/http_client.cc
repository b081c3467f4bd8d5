#include "engine/http/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/core/clock.h"
#include "engine/http/transfer.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

using Multi = std::unique_ptr<CURLM, Free<curl_multi_cleanup>>;

Multi make_multi(std::size_t connections_max) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Multi multi(curl_multi_init());
  const auto connections = static_cast<long>(connections_max);
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, connections);
  return multi;
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
  void finish_ended();
  void finish_late(TimePoint now);
  void cancel_all();
  // Takes it out of libcurl and keeps its handle for another.
  TransferPtr take_running(CURL* easy);
  TimePoint end_of_wait(const Transfer& transfer) const;
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
    prepare(*transfer, options_, certificates_);
    CURL* easy = transfer->easy.get();
    running_.emplace(easy, std::move(transfer));
    curl_multi_add_handle(multi_.get(), easy);
  }
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
      transfer.response.body.reserve(transfer.response.body.size() + response_spare_bytes);
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
    transfer->done(late(*transfer, options_));
  }
  std::vector<CURL*> ended;
  for (const auto& [easy, transfer] : running_)
    if (now >= end_of_wait(*transfer)) ended.push_back(easy);
  for (CURL* easy : ended) {
    const TransferPtr transfer = take_running(easy);
    transfer->done(late(*transfer, options_));
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
