#include "loadgen/emulate/s3_emulator.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/http/http_server.h"
#include "loadgen/emulate/break_off.h"
#include "loadgen/emulate/s3_answers.h"

namespace penstock {
namespace {

constexpr std::size_t body_bytes_max = 256 << 20;

const S3Refusal server_error{500, "InternalError",
                             "We encountered an internal error. Please try again."};
const S3Refusal slow_down{503, "SlowDown", "Please reduce your request rate."};

std::vector<FaultKind> kinds_or_all(const std::vector<FaultKind>& kinds) {
  if (!kinds.empty()) return kinds;
  return {s3_fault_kinds.begin(), s3_fault_kinds.end()};
}

void spoil(S3Answer& answer) {
  if (answer.operation == S3Operation::get_object && !answer.body.empty()) {
    answer.body.back() = static_cast<char>(~answer.body.back());
  } else {
    answer.body.resize(answer.body.size() / 2);
    answer.bytes = answer.body.size();
  }
}

void send(S3Answer answer, const Responder& responder) {
  responder.begin(answer.status, std::move(answer.headers), answer.bytes);
  responder.write(std::move(answer.body));
  responder.finish();
}

void commit_fault(FaultKind kind, S3Answer answer, const Responder& responder) {
  if (kind == FaultKind::malformed) {
    spoil(answer);
    return send(std::move(answer), responder);
  }
  // What has no body does not break off within it.
  const bool is_half = kind == FaultKind::truncated || kind == FaultKind::stall;
  if (is_half && answer.body.empty()) return send(std::move(answer), responder);
  break_off(kind, responder, std::move(answer.headers), std::move(answer.body), answer.status);
}

}  // namespace

// All of it on the server's one thread, and after that on that of stop().
class S3Emulator::Server {
 public:
  explicit Server(S3EmulatorOptions options)
      : service_(std::move(options.service)),
        latency_(options.latency, options.seed),
        faults_(options.fault_fraction, kinds_or_all(options.fault_kinds), options.seed + 1) {
    HttpServerOptions server;
    server.listen = options.listen;
    server.body_bytes_max = body_bytes_max;
    server_ = std::make_unique<HttpServer>(
        std::move(server), [this](const ServedRequest& request, const Responder& responder) {
          serve(request, responder);
        });
  }

  const std::string& address() const { return server_->address(); }
  S3Usage stop() {
    server_.reset();
    return usage_;
  }

 private:
  void serve(const ServedRequest& request, const Responder& responder) {
    if (request.target == "/_stats")
      return responder.respond(200, {{"content-type", "application/json"}}, usage_json(usage_));
    usage_.bytes_received += request.body.size();
    const std::optional<FaultKind> fault = faults_.next();
    if (fault) ++usage_.faults[static_cast<std::size_t>(*fault)];
    if (fault == FaultKind::server_error) return refuse(server_error, request, responder);
    if (fault == FaultKind::unavailable) return refuse(slow_down, request, responder);
    S3Answer answer = service_.answer(request);
    ++usage_.requests[static_cast<std::size_t>(answer.operation)];
    usage_.bytes_sent += answer.body.size();
    if (answer.operation == S3Operation::refused) return send(std::move(answer), responder);
    const Duration latency = latency_.next();
    if (latency == Duration() && !fault) return send(std::move(answer), responder);
    // std::function wants what can be copied.
    const auto held = std::make_shared<S3Answer>(std::move(answer));
    responder.after(latency, [responder, fault, held] {
      if (fault) return commit_fault(*fault, std::move(*held), responder);
      send(std::move(*held), responder);
    });
  }

  static void refuse(const S3Refusal& refusal, const ServedRequest& request,
                     const Responder& responder) {
    responder.respond(refusal.status, {{"content-type", "application/xml"}},
                      s3_error_xml(refusal, request.target));
  }

  S3Service service_;
  LatencyDraws latency_;
  FaultPlan faults_;
  S3Usage usage_;
  std::unique_ptr<HttpServer> server_;  // the last, and so the first to go: it calls the others
};

std::string usage_json(const S3Usage& usage) {
  nlohmann::ordered_json requests;
  for (std::size_t i = 0; i < s3_operation_names.size(); ++i)
    requests[std::string(s3_operation_names[i])] = usage.requests[i];
  nlohmann::ordered_json faults;
  for (const FaultKind kind : s3_fault_kinds)
    faults[std::string(name_of(kind))] = usage.count(kind);
  return nlohmann::ordered_json{{"requests", requests},
                                {"bytes_received", usage.bytes_received},
                                {"bytes_sent", usage.bytes_sent},
                                {"faults", faults}}
             .dump() +
         "\n";
}

S3Emulator::S3Emulator(S3EmulatorOptions options)
    : server_(std::make_unique<Server>(std::move(options))) {}

S3Emulator::~S3Emulator() = default;

std::string S3Emulator::url() const {
  return "http://" + server_->address();
}

S3Usage S3Emulator::stop() {
  return server_->stop();
}

}  // namespace penstock
