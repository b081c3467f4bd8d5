#include "loadgen/emulate/openai_emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "engine/http/http_server.h"
#include "engine/stages/tokenize/tokenizer.h"
#include "loadgen/emulate/api_error.h"
#include "loadgen/emulate/break_off.h"
#include "loadgen/emulate/embeddings_answer.h"
#include "loadgen/emulate/embeddings_request.h"
#include "loadgen/emulate/rate_limit_answer.h"

namespace penstock {
namespace {

// A client that never sends the same key twice is told that there are no more.
constexpr std::size_t unnamed_keys_max = 100;
constexpr std::chrono::milliseconds injected_wait{200};
constexpr std::chrono::seconds unavailable_wait{1};
constexpr std::uint64_t outage_seconds_max = 86'400;

HttpHeaders with_type(HttpHeaders headers) {
  headers.add("content-type", "application/json");
  return headers;
}

void answer_error(const Responder& responder, const ApiError& error, HttpHeaders headers = {}) {
  responder.respond(error.status, with_type(std::move(headers)), to_json(error));
}

void answer_json(const Responder& responder, std::string body) {
  responder.respond(200, with_type({}), std::move(body));
}

ApiError overloaded() {
  return {503, "The engine is currently overloaded, please try again later", "server_error"};
}

ApiError server_error() {
  return {500, "The server had an error while processing your request. Sorry about that!",
          "server_error"};
}

bool any_contains(const EmbeddingsRequest& request, const std::string& text) {
  return !text.empty() && std::ranges::any_of(request.inputs, [&](const std::string& input) {
    return input.find(text) != std::string::npos;
  });
}

std::string models_json() {
  nlohmann::ordered_json data = nlohmann::json::array();
  for (const EmbeddingModel& model : embedding_models)
    data.push_back({{"id", model.name},
                    {"object", "model"},
                    {"created", 1'705'948'997},
                    {"owned_by", "system"}});
  return nlohmann::ordered_json{{"object", "list"}, {"data", data}}.dump() + "\n";
}

// Answers as the fault has it, once the latency is over.
void commit_fault(FaultKind kind, const Responder& responder, HttpHeaders headers,
                  const EmbeddingsRequest& request) {
  switch (kind) {
    case FaultKind::rate_limited:
      add_retry_after(headers, injected_wait);
      return answer_error(responder,
                          {429,
                           fmt::format("Rate limit reached for {} in organization org-emulated. "
                                       "Please try again in {}.",
                                       request.model, go_duration(injected_wait)),
                           "requests", std::nullopt, "rate_limit_exceeded"},
                          std::move(headers));
    case FaultKind::rate_limited_bare:
      return answer_error(responder, {429, "Too many requests", "requests"});
    case FaultKind::server_error:
      return answer_error(responder, server_error(), std::move(headers));
    case FaultKind::unavailable:
      add_retry_after(headers, unavailable_wait);
      return answer_error(responder, overloaded(), std::move(headers));
    case FaultKind::reset:
    case FaultKind::stall:
    case FaultKind::hang:
    case FaultKind::truncated:
      return break_off(kind, responder, with_type(std::move(headers)), embeddings_answer(request));
    case FaultKind::malformed:
    case FaultKind::wrong_count:
    case FaultKind::wrong_dimension:
    case FaultKind::duplicate_index:
      return responder.respond(200, with_type(std::move(headers)),
                               embeddings_answer(request, kind));
  }
}

}  // namespace

// All of it on the server's one thread, and after that on that of stop().
class OpenAiEmulator::Service {
 public:
  explicit Service(OpenAiEmulatorOptions options)
      : options_(std::move(options)),
        latency_(options_.latency, options_.seed),
        faults_(options_.fault_fraction, options_.fault_kinds, options_.seed + 1) {
    for (const EmulatedKey& key : options_.keys) add_key(key.name, key.name, key.limits);
    HttpServerOptions server;
    server.listen = options_.listen;
    server_ = std::make_unique<HttpServer>(
        std::move(server), [this](const ServedRequest& request, const Responder& responder) {
          route(request, responder);
        });
  }

  const std::string& address() const { return server_->address(); }
  Usage stop() {
    server_.reset();
    return total_of(usage());
  }

 private:
  struct Key {
    std::string name;
    AnswerCounts answers;
  };

  void route(const ServedRequest& request, const Responder& responder);
  void embed(const ServedRequest& request, const Responder& responder);
  void begin_outage(std::string_view query, const Responder& responder);
  // After the quota let the request pass.
  void serve(std::size_t key, EmbeddingsRequest request, HttpHeaders headers,
             const Responder& responder);

  std::size_t add_key(const std::string& secret, std::string name, KeyLimits limits) {
    keys_.push_back({std::move(name), {}});
    const std::size_t index = quota_.add_key(limits);
    by_secret_.emplace(secret, index);
    return index;
  }
  // The key that the request was sent with, or absent.
  std::optional<std::size_t> key_of(const ServedRequest& request);
  std::vector<std::pair<std::string, Usage>> usage() const;
  std::string history() const;
  void reset();

  const OpenAiEmulatorOptions options_;
  const Tokenizer tokenizer_{Encoding::cl100k_base};
  LatencyDraws latency_;
  FaultPlan faults_;
  QuotaEnforcer quota_;
  std::vector<Key> keys_;  // as quota_ counts them
  std::unordered_map<std::string, std::size_t> by_secret_;
  std::optional<TimePoint> outage_end_;
  std::unique_ptr<HttpServer> server_;  // the last, and so the first to go: it calls the others
};

void OpenAiEmulator::Service::route(const ServedRequest& request, const Responder& responder) {
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  const auto is = [&](std::string_view method) {
    if (request.method == method) return true;
    answer_error(responder,
                 {405, fmt::format("Not allowed to {} on {}.", request.method, path),
                  "invalid_request_error", std::nullopt, "method_not_supported"},
                 {{"allow", std::string(method)}});
    return false;
  };

  if (path.ends_with("/embeddings")) {
    if (is("POST")) embed(request, responder);
  } else if (path.ends_with("/models")) {
    if (is("GET")) answer_json(responder, models_json());
  } else if (path == "/stats") {
    if (is("GET")) answer_json(responder, usage_json(usage()));
  } else if (path == "/stats/history") {
    if (is("GET")) answer_json(responder, history());
  } else if (path == "/stats/reset") {
    if (!is("POST")) return;
    reset();
    answer_json(responder, "{}\n");
  } else if (path == "/outage") {
    if (is("POST")) begin_outage(query, responder);
  } else if (path == "/") {
    if (is("GET"))
      responder.respond(200, {{"content-type", "text/plain"}},
                        "penstock emulates OpenAI's embeddings: POST /v1/embeddings, GET /stats\n");
  } else {
    answer_error(responder, {404, fmt::format("Invalid URL ({} {})", request.method, path)});
  }
}

void OpenAiEmulator::Service::embed(const ServedRequest& request, const Responder& responder) {
  const std::optional<std::size_t> key = key_of(request);
  if (!key)
    return answer_error(responder, {401, "Incorrect API key provided.", "invalid_request_error",
                                    std::nullopt, "invalid_api_key"});
  AnswerCounts& answers = keys_[*key].answers;
  auto parsed = parse_embeddings_request(request.body, tokenizer_);
  const TimePoint now = options_.now();
  const QuotaDecision decision = quota_.ask(*key, parsed ? parsed->tokens : 0, now);
  if (outage_end_ && now < *outage_end_) {
    ++answers.outage;
    return answer_error(responder, overloaded());
  }

  HttpHeaders headers = rate_limit_headers(decision);
  if (decision.refusal) {
    if (decision.refusal->retry_after) add_retry_after(headers, *decision.refusal->retry_after);
    return answer_error(
        responder,
        rate_limit_error(*decision.refusal, decision, parsed ? parsed->model : "this model"),
        std::move(headers));
  }
  if (!parsed) {
    ++answers.refused;
    return answer_error(responder, parsed.error(), std::move(headers));
  }
  serve(*key, *std::move(parsed), std::move(headers), responder);
}

void OpenAiEmulator::Service::serve(std::size_t key, EmbeddingsRequest request, HttpHeaders headers,
                                    const Responder& responder) {
  AnswerCounts& answers = keys_[key].answers;
  answers.inputs += request.inputs.size();
  const Duration latency = latency_.next();
  const std::optional<FaultKind> fault = faults_.next();
  std::optional<ApiError> poisoned;
  if (any_contains(request, options_.poison)) {
    ++answers.refused;
    poisoned = ApiError{400, "The model does not take this input.", "invalid_request_error"};
  } else if (any_contains(request, options_.poison_500)) {
    ++answers.poisoned;
    poisoned = server_error();
  } else if (fault) {
    ++answers.faults[static_cast<std::size_t>(*fault)];
  } else {
    ++answers.answered;
    answers.answered_inputs += request.inputs.size();
    answers.answered_tokens += request.tokens;
  }
  // The vectors are made when they are sent: until then their text waits, which is smaller.
  responder.after(latency, [responder, fault, poisoned = std::move(poisoned),
                            headers = std::move(headers), request = std::move(request)] {
    if (poisoned) return answer_error(responder, *poisoned, headers);
    if (fault) return commit_fault(*fault, responder, headers, request);
    responder.respond(200, with_type(headers), embeddings_answer(request));
  });
}

void OpenAiEmulator::Service::begin_outage(std::string_view query, const Responder& responder) {
  constexpr std::string_view name = "seconds=";
  std::uint64_t seconds = 0;
  if (query.starts_with(name)) query.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(query.data(), query.data() + query.size(), seconds);
  if (error != std::errc() || end != query.data() + query.size() || seconds > outage_seconds_max)
    return answer_error(responder, {400, "for how long? POST /outage?seconds=N, up to a day"});
  outage_end_ = options_.now() + std::chrono::seconds(seconds);
  answer_json(responder, "{}\n");
}

std::optional<std::size_t> OpenAiEmulator::Service::key_of(const ServedRequest& request) {
  std::string_view secret = request.headers.find("authorization").value_or("");
  constexpr std::string_view scheme = "Bearer ";
  if (secret.starts_with(scheme)) secret.remove_prefix(scheme.size());
  const auto found = by_secret_.find(std::string(secret));
  if (found != by_secret_.end()) return found->second;
  if (!options_.keys.empty() || keys_.size() == unnamed_keys_max) return std::nullopt;
  // Whoever rehearses may send a real key, and the statistics are for everybody to see.
  const std::string name =
      secret.empty() ? std::string("none") : fmt::format("key-{}", keys_.size() + 1);
  return add_key(std::string(secret), name, options_.limits);
}

std::vector<std::pair<std::string, Usage>> OpenAiEmulator::Service::usage() const {
  std::vector<std::pair<std::string, Usage>> used;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const QuotaUse use = quota_.use(i);
    if (use.asked > 0)
      used.emplace_back(keys_[i].name,
                        Usage{quota_.limits(i), quota_.span(), use, keys_[i].answers});
  }
  return used;
}

std::string OpenAiEmulator::Service::history() const {
  std::vector<std::pair<std::string, const std::deque<QuotaSecond>*>> used;
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (quota_.use(i).asked > 0) used.emplace_back(keys_[i].name, &quota_.history(i));
  return history_json(used);
}

void OpenAiEmulator::Service::reset() {
  quota_.reset();
  for (Key& key : keys_) key.answers = {};
}

OpenAiEmulator::OpenAiEmulator(OpenAiEmulatorOptions options)
    : service_(std::make_unique<Service>(std::move(options))) {}

OpenAiEmulator::~OpenAiEmulator() = default;

std::string OpenAiEmulator::url() const {
  return "http://" + service_->address() + "/v1";
}

Usage OpenAiEmulator::stop() {
  return service_->stop();
}

}  // namespace penstock
