// Uploads to a service, as many at once as there are: POST /v1/documents over HTTP/1.1, each on a
// connection of its own that another may use after it. One thread for all; a body is sent from
// where it lies, so that an upload costs a connection's few kilobytes.
//
// An upload is never repeated. What has no whole answer is `broken`; what finds no connection or
// descriptor left is `dropped`, unless it is to wait for a connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/core/secret.h"
#include "loadgen/destination.h"
#include "loadgen/journal.h"

namespace penstock {

struct HttpLoadOptions {
  std::string url;  // http://HOST:PORT or https://…
  Secret api_key;   // empty: none
  std::uint32_t connections_max = 4'096;
  bool connections_wait = false;  // what finds none waits, and is issued when it is its turn
  std::chrono::seconds answer_timeout{120};  // from the first byte sent to the last received
};

class HttpLoad final : public Destination {
 public:
  static constexpr std::uint32_t threads = 1;  // that it sends with

  // Finds the host; throws FatalError when it cannot. `journal` outlives it.
  HttpLoad(HttpLoadOptions options, Journal& journal);
  ~HttpLoad() override;

  void send(Shipment shipment) override;
  State state() override;
  void stop() override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace penstock
