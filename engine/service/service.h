// The service: uploads, status, search, delivery and monitoring over HTTP. routes.cc has what it
// answers; each action is in a file of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/http/http_server.h"
#include "engine/service/call.h"
#include "engine/service/client_keys.h"
#include "engine/service/event_streams.h"
#include "engine/service/rates.h"
#include "engine/service/service_parts.h"
#include "engine/service/sweeper.h"
#include "engine/service/watch.h"

namespace penstock {

// The tenant of a service without API keys.
inline constexpr std::string_view only_tenant = "default";

// Whether HOST or HOST:PORT is a loopback address or localhost, and no name that may lead
// elsewhere.
bool is_this_machine(std::string_view host);

struct ServiceOptions {
  HttpServerOptions http;
  std::uint64_t document_bytes_max = 256 << 20;
  std::string version;  // of the program
  SweeperOptions sweeper;
};

class Service {
 public:
  // Serves until it is gone. Without `keys` everybody may do everything, but only as a user of this
  // machine: requests to another host's name are refused, which keeps foreign web pages out.
  // Throws FatalError.
  Service(ServiceParts parts, ServiceOptions options, std::unique_ptr<KeyRing> keys);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Says that it is not ready, ends the event streams, and lets the other requests end: as
  // HttpServer::drain(). Any thread.
  void drain(std::chrono::milliseconds grace);

  const std::string& address() const { return server_->address(); }

 private:
  // The call that a request is, if it may be made; it was refused otherwise.
  std::optional<Call> admit(const RequestHead& head, const Responder& responder);
  std::variant<Caller, Problem> caller_of(const RequestHead& head, const RouteMatch& match);
  Caller caller_with(const ClientKey& key) const;
  void handle(ServedRequest request, const Responder& responder);
  std::unique_ptr<BodySink> sink_of(const RequestHead& head, const Responder& responder);
  void act(const Call& call, const std::string& body);
  void watch_document(const Call& call);

  const ServiceParts parts_;
  const ServiceOptions options_;
  const WallTime started_ = wall_now();
  std::atomic<bool> is_draining_{false};
  const std::unique_ptr<KeyRing> keys_;
  Rates rates_;
  Watch watch_;
  EventStreams streams_;
  Sweeper sweeper_;
  std::unique_ptr<HttpServer> server_;  // last: its threads use the rest
};

}  // namespace penstock
