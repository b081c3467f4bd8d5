// HTTP requests, many at once, on one thread of its own (libcurl's multi interface). HTTP/2 where
// the server offers it, kept-alive connections, TLS verified against the system's certificates (or
// SSL_CERT_FILE), proxies by the usual variables (https_proxy, http_proxy, all_proxy, no_proxy).
// Only http_client.cc and transfer.cc know libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/http/http_headers.h"

namespace penstock {

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;     // with 64 bytes of capacity to spare, as simdjson wants it
  TimePoint sent_at{};  // when the last of the request's body left
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::string body;  // sent unless empty

  // Takes the body of a successful response (2xx) piece by piece, in place of HttpResponse::body;
  // `head` is the response without it. Called on the client's thread, where it must not block. Its
  // error ends the transfer, and is what done is told.
  using Sink = std::function<Result<void>(const HttpResponse& head, std::string_view piece)>;
  Sink sink;
};

struct HttpClientOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  // From send() to the last byte of the response.
  std::chrono::milliseconds total_timeout{60'000};
  // Between two parts of a response once its first byte has come.
  std::chrono::milliseconds stall_timeout{10'000};
  // A longer response is an error, unless a sink takes it.
  std::size_t response_bytes_max = 256 << 20;
  std::size_t connections_max = 256;
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  // Ends what is under way with a cancelled error, then joins.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // A response of any status is a value. An error is retryable (no connection, reset, timeout, cut
  // off) or permanent (malformed URL, untrusted certificate); its message names scheme, host and
  // port, never a header, a query or a user. Called exactly once, on the client's thread, where it
  // must not block.
  using Done = std::function<void(Result<HttpResponse>)>;

  // Sends the request at most once, and follows no redirect. Any thread.
  void send(HttpRequest request, Done done);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace penstock
