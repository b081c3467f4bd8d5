// An emulated object store and clients of it that do not wait long.
#pragma once

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/backends/s3/s3_client.h"
#include "loadgen/emulate/s3_emulator.h"

namespace penstock {

// Of any service: short pauses, and not many.
inline S3Options hasty_s3(std::string endpoint) {
  S3Options options;
  options.endpoint = std::move(endpoint);
  options.access_key = "AKIDEXAMPLE";
  options.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  options.first_pause = std::chrono::milliseconds(1);
  options.longest_pause = std::chrono::milliseconds(2);
  options.patience = std::chrono::milliseconds(20);
  options.part_bytes = 5 << 20;
  options.http.stall_timeout = std::chrono::milliseconds(300);
  return options;
}

class S3World {
 public:
  explicit S3World(S3EmulatorOptions options = {}) : emulator_(prepare(std::move(options))) {}

  S3Options options() const { return hasty_s3(emulator_.url()); }

  std::uint64_t count(S3Operation operation) {
    return stats()["requests"][std::string(name_of(operation))];
  }
  nlohmann::json stats() {
    std::promise<Result<HttpResponse>> answered;
    HttpRequest request;
    request.url = emulator_.url() + "/_stats";
    client_.send(std::move(request),
                 [&](Result<HttpResponse> response) { answered.set_value(std::move(response)); });
    return nlohmann::json::parse(answered.get_future().get().value().body);
  }

 private:
  static S3EmulatorOptions prepare(S3EmulatorOptions options) {
    options.listen = "127.0.0.1:0";
    options.latency = {};
    const S3Options client = hasty_s3("http://127.0.0.1");
    options.service.credentials = {client.access_key, client.secret_key,
                                   options.service.credentials.session_token, client.region};
    return options;
  }

  S3Emulator emulator_;
  HttpClient client_{{}};
};

}  // namespace penstock
