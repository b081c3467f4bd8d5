// One request on its way through libcurl: what libcurl is told, and what it says.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/http/http_client.h"

namespace penstock {

// Of a response's body, see HttpResponse.
constexpr std::size_t response_spare_bytes = 64;

template <auto free_it>
struct Free {
  template <typename T>
  void operator()(T* it) const {
    free_it(it);
  }
};
using Easy = std::unique_ptr<CURL, Free<curl_easy_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, Free<curl_slist_free_all>>;

// Where SSL_CERT_FILE and SSL_CERT_DIR point; libcurl reads neither by itself.
struct Certificates {
  const char* file = std::getenv("SSL_CERT_FILE");
  const char* folder = std::getenv("SSL_CERT_DIR");
};

// One request, from send() to done.
struct Transfer {
  HttpRequest request;
  HttpClient::Done done;
  TimePoint sent_at{};

  std::string origin;

  // Since it has been started.
  Easy easy;
  HeaderList headers;
  std::size_t body_read = 0;  // by libcurl, of the request's
  HttpResponse response;
  std::size_t response_bytes_max = 0;
  std::size_t received_bytes = 0;  // head and body
  std::size_t body_bytes = 0;      // of these
  bool is_interim = false;         // what comes now is a 100 Continue, and no response yet
  TimePoint received_at{};         // the latest of them
  bool is_too_large = false;
  std::optional<Error> refusal;  // the sink's
  std::array<char, CURL_ERROR_SIZE> error_text{};
};

// Fills in the origin; an error if such a request can never be sent.
Result<void> check(Transfer& transfer);

// Tells its handle, which is as new, all about it. The transfer must stay where it is.
void prepare(Transfer& transfer, const HttpClientOptions& options,
             const Certificates& certificates);

// What libcurl ran into, as our caller's error.
tl::unexpected<Error> explain(CURLcode code, const Transfer& transfer,
                              const HttpClientOptions& options);
// It did not come, or not on, in time.
tl::unexpected<Error> late(const Transfer& transfer, const HttpClientOptions& options);
tl::unexpected<Error> cancelled(const Transfer& transfer);

}  // namespace penstock
