// What a service says of itself and of its documents. Blocks; any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/core/secret.h"
#include "engine/http/http_client.h"
#include "engine/http/json.h"
#include "loadgen/clock_bridge.h"
#include "loadgen/service_answers.h"

namespace penstock {

class ServiceClient {
 public:
  ServiceClient(std::string url, Secret api_key);
  ~ServiceClient();

  const std::string& url() const { return url_; }

  // An object; an answer other than 200 is an error, 404 a permanent one.
  Result<Json> get(const std::string& path);
  // Until it takes uploads. An error says what it lacks.
  Result<void> wait_until_ready(std::chrono::seconds patience);
  // The best of several looks: its doubt is half of the round trip, and its last digit.
  Result<ClockSight> clock();

  // Every event from here on, until stop_listening(): `heard` is called with the object behind
  // `data:`, on a thread of the client, where nothing may block. A stream that broke is opened
  // again; `reopened` says so, since what happened meanwhile was not heard. Once.
  void listen(std::function<void(const Json&)> heard, std::function<void()> reopened);
  // Nothing is heard once it returns.
  void stop_listening();

 private:
  void keep_listening();
  HttpRequest stream_request(bool is_first);
  HttpRequest request(const std::string& path) const;

  const std::string url_;
  const Secret api_key_;
  HttpClient client_;

  std::function<void(const Json&)> heard_;
  std::function<void()> reopened_;
  EventLines events_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;               // guarded by mutex_
  std::unique_ptr<HttpClient> stream_;  // absent: nobody listens
  std::thread thread_;
};

}  // namespace penstock
