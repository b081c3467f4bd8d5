#include "loadgen/emulate/pinecone_emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/http/http_server.h"
#include "engine/http/json_string.h"
#include "engine/http/url_target.h"
#include "loadgen/emulate/break_off.h"
#include "loadgen/emulate/pinecone_requests.h"
#include "loadgen/emulate/pinecone_space.h"
#include "loadgen/emulate/rate_limit_answer.h"

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds injected_wait{200};
constexpr std::chrono::seconds unavailable_wait{1};
// A body that is too large is to be told so in the service's words, not in those of HTTP.
constexpr std::size_t body_bytes_max = 64 << 20;

struct Answer200 {
  HttpHeaders headers;
  std::string body;
};

HttpHeaders with_type(HttpHeaders headers) {
  headers.add("content-type", "application/json");
  return headers;
}

void answer_error(const Responder& responder, const PineconeError& error,
                  HttpHeaders headers = {}) {
  responder.respond(error.status, with_type(std::move(headers)), to_json(error));
}

PineconeError too_busy() {
  return {503, 14, "The service is currently unavailable, please try again later."};
}

// Whether a request that meets the fault has its effect.
bool is_carried_out(FaultKind kind) {
  return kind == FaultKind::reset || kind == FaultKind::stall || kind == FaultKind::hang ||
         kind == FaultKind::truncated || kind == FaultKind::malformed;
}

void answer_with_fault(FaultKind kind, const Responder& responder, Answer200 answer) {
  HttpHeaders waits;
  switch (kind) {
    case FaultKind::rate_limited:
      add_retry_after(waits, injected_wait);
      [[fallthrough]];
    case FaultKind::rate_limited_bare:
      return answer_error(responder, {429, 8, "Too many requests; retry with backoff."}, waits);
    case FaultKind::server_error:
      return answer_error(responder, {500, 13, "An internal server error occurred."});
    case FaultKind::unavailable:
      add_retry_after(waits, unavailable_wait);
      return answer_error(responder, too_busy(), waits);
    case FaultKind::malformed:
      answer.body.resize(answer.body.size() / 2);
      return responder.respond(200, with_type(std::move(answer.headers)), std::move(answer.body));
    default:
      return break_off(kind, responder, with_type(std::move(answer.headers)),
                       std::move(answer.body));
  }
}

// [0.5,1]: the shortest decimals that are these floats again.
void append_values(std::string& json, const std::vector<float>& values) {
  json += '[';
  for (const float value : values)
    fmt::format_to(std::back_inserter(json), "{}{}", json.back() == '[' ? "" : ",", value);
  json += ']';
}

std::string space_member(const std::string& space) {
  std::string json = R"(,"namespace":)";
  append_json_string(json, space);
  return json;
}

// The token of a page says after which id it begins.
std::string page_token(const std::string& id) {
  std::string token;
  for (const char c : id)
    fmt::format_to(std::back_inserter(token), "{:02x}", static_cast<unsigned char>(c));
  return token;
}

std::optional<std::string> id_of_token(const std::string& token) {
  std::string id;
  for (std::size_t i = 0; i + 1 < token.size(); i += 2) {
    unsigned char byte = 0;
    const char* const pair = token.data() + i;
    if (std::from_chars(pair, pair + 2, byte, 16).ptr != pair + 2) return std::nullopt;
    id += static_cast<char>(byte);
  }
  return id;
}

}  // namespace

// All of it on the server's one thread, and after that on that of stop().
class PineconeEmulator::Service {
 public:
  explicit Service(PineconeEmulatorOptions options)
      : options_(std::move(options)),
        latency_(options_.latency, options_.seed),
        faults_(options_.fault_fraction, fault_kinds(options_), options_.seed + 1),
        visibility_(options_.visibility, options_.seed + 2),
        rates_(options_.limits) {
    HttpServerOptions server;
    server.listen = options_.listen;
    server.body_bytes_max = body_bytes_max;
    server_ = std::make_unique<HttpServer>(
        std::move(server), [this](const ServedRequest& request, const Responder& responder) {
          route(request, responder);
        });
  }

  const std::string& address() const { return server_->address(); }
  PineconeUsage stop() {
    server_.reset();
    return usage();
  }

 private:
  using Operation = PineconeOperation;

  static std::vector<FaultKind> fault_kinds(const PineconeEmulatorOptions& options) {
    if (!options.fault_kinds.empty()) return options.fault_kinds;
    return {answer_fault_kinds.begin(), answer_fault_kinds.end()};
  }

  void route(const ServedRequest& request, const Responder& responder);
  void upsert(const ServedRequest& request, const Responder& responder);
  void query(const ServedRequest& request, const Responder& responder);
  void erase(const ServedRequest& request, const Responder& responder);
  void list(const UrlTarget& target, const Responder& responder);
  void fetch(const UrlTarget& target, const Responder& responder);
  void describe(const Responder& responder);

  // Whether the request is within the limits; else it is answered.
  bool may(Operation operation, const std::string& space, std::size_t bytes,
           const Responder& responder);
  void refuse(const Responder& responder, const PineconeError& error);
  // Answers in time: with what `carry_out` makes, or with a fault.
  void serve(const Responder& responder, const std::function<Answer200()>& carry_out);
  Answer200 write(const std::string& space, PineconeSpace::Write write, std::string body);

  PineconeSpace& space(const std::string& name) { return spaces_[name]; }
  PineconeUsage usage() const;

  const PineconeEmulatorOptions options_;
  LatencyDraws latency_;
  FaultPlan faults_;
  LatencyDraws visibility_;
  PineconeRates rates_;
  PineconeUsage usage_;
  std::map<std::string, PineconeSpace> spaces_;
  TimePoint now_{};                     // of the request that is served
  std::unique_ptr<HttpServer> server_;  // the last, and so the first to go: it calls the others
};

void PineconeEmulator::Service::route(const ServedRequest& request, const Responder& responder) {
  struct Route {
    std::string_view method;
    std::string_view path;
    Operation operation;
  };
  constexpr Route routes[] = {{"POST", "/vectors/upsert", Operation::upsert},
                              {"POST", "/query", Operation::query},
                              {"POST", "/vectors/delete", Operation::erase},
                              {"GET", "/vectors/list", Operation::list},
                              {"GET", "/vectors/fetch", Operation::fetch},
                              {"POST", "/describe_index_stats", Operation::describe},
                              {"GET", "/describe_index_stats", Operation::describe}};
  now_ = options_.now();
  for (auto& [name, space] : spaces_) space.advance(now_);

  const UrlTarget target(request.target);
  if (request.method == "GET" && target.path() == "/stats")
    return responder.respond(200, with_type({}), usage_json(usage()));
  const Route* const route = std::ranges::find_if(routes, [&](const Route& each) {
    return each.method == request.method && each.path == target.path();
  });
  if (route == std::end(routes))
    return refuse(responder,
                  {404, 5, fmt::format("There is no {} {}", request.method, target.path())});
  ++usage_.requests[static_cast<std::size_t>(route->operation)];
  const std::string_view key = request.headers.find("api-key").value_or("");
  if (key.empty() || (!options_.api_key.empty() && key != options_.api_key)) {
    ++usage_.refused;
    return responder.respond(401, {{"content-type", "text/plain"}}, "Invalid API Key");
  }
  switch (route->operation) {
    case Operation::upsert:
      return upsert(request, responder);
    case Operation::query:
      return query(request, responder);
    case Operation::erase:
      return erase(request, responder);
    case Operation::list:
      return list(target, responder);
    case Operation::fetch:
      return fetch(target, responder);
    case Operation::describe:
      return describe(responder);
  }
}

bool PineconeEmulator::Service::may(Operation operation, const std::string& space,
                                    std::size_t bytes, const Responder& responder) {
  const std::optional<PineconeError> error = rates_.ask(operation, space, bytes, now_);
  if (!error) return true;
  ++usage_.rate_limited;
  answer_error(responder, *error);
  return false;
}

void PineconeEmulator::Service::refuse(const Responder& responder, const PineconeError& error) {
  ++usage_.refused;
  answer_error(responder, error);
}

void PineconeEmulator::Service::serve(const Responder& responder,
                                      const std::function<Answer200()>& carry_out) {
  const Duration latency = latency_.next();
  const std::optional<FaultKind> fault = faults_.next();
  Answer200 answer;
  if (!fault || is_carried_out(*fault)) answer = carry_out();
  if (fault) ++usage_.faults[static_cast<std::size_t>(*fault)];
  if (!fault) ++usage_.answered;
  responder.after(latency, [responder, fault, answer = std::move(answer)]() mutable {
    if (fault) return answer_with_fault(*fault, responder, std::move(answer));
    responder.respond(200, with_type(std::move(answer.headers)), std::move(answer.body));
  });
}

Answer200 PineconeEmulator::Service::write(const std::string& name, PineconeSpace::Write write,
                                           std::string body) {
  PineconeSpace& written = space(name);
  const std::uint64_t lsn = written.write(std::move(write), now_ + visibility_.next());
  written.advance(now_);
  return {{{"x-pinecone-request-lsn", std::to_string(lsn)}}, std::move(body)};
}

void PineconeEmulator::Service::upsert(const ServedRequest& request, const Responder& responder) {
  usage_.upsert_bytes_max = std::max<std::uint64_t>(usage_.upsert_bytes_max, request.body.size());
  PineconeParsed<PineconeUpsert> parsed = parse_pinecone_upsert(request.body, options_.dimensions);
  if (!parsed) return refuse(responder, parsed.error());
  const std::uint64_t records = parsed->records.size();
  usage_.upsert_records_max = std::max(usage_.upsert_records_max, records);
  if (!may(Operation::upsert, parsed->space, request.body.size(), responder)) return;
  serve(responder, [&] {
    usage_.upserted += records;
    return write(parsed->space, {std::move(parsed->records), {}},
                 fmt::format(R"({{"upsertedCount":{}}})", records));
  });
}

void PineconeEmulator::Service::erase(const ServedRequest& request, const Responder& responder) {
  PineconeParsed<PineconeDelete> parsed = parse_pinecone_delete(request.body);
  if (!parsed) return refuse(responder, parsed.error());
  if (!may(Operation::erase, parsed->space, 0, responder)) return;
  if (!spaces_.contains(parsed->space)) return refuse(responder, {404, 5, "Namespace not found"});
  serve(responder, [&] { return write(parsed->space, {{}, std::move(parsed->ids)}, "{}"); });
}

void PineconeEmulator::Service::query(const ServedRequest& request, const Responder& responder) {
  const PineconeParsed<PineconeQuery> parsed =
      parse_pinecone_query(request.body, options_.dimensions);
  if (!parsed) return refuse(responder, parsed.error());
  if (!may(Operation::query, parsed->space, 0, responder)) return;
  const PineconeSpace nothing;
  const auto found = spaces_.find(parsed->space);
  const PineconeSpace& asked = found == spaces_.end() ? nothing : found->second;
  std::string json = R"({"results":[],"matches":[)";
  for (const PineconeMatch& match :
       asked.nearest(parsed->vector, parsed->matches_max, parsed->filter)) {
    json += json.ends_with('[') ? R"({"id":)" : R"(,{"id":)";
    append_json_string(json, match.id);
    fmt::format_to(std::back_inserter(json), R"(,"score":{},"values":)", match.score);
    append_values(json, parsed->with_values ? match.record->values : std::vector<float>());
    if (parsed->with_metadata) json += R"(,"metadata":)" + match.record->metadata;
    json += '}';
  }
  json += "]" + space_member(parsed->space) + R"(,"usage":{"readUnits":1}})";
  if (json.size() > pinecone_answer_bytes_max)
    return refuse(responder,
                  {400, 11,
                   fmt::format("Query result size {} exceeds the limit of {} bytes; choose a lower "
                               "topK, or leave out metadata or values",
                               json.size(), pinecone_answer_bytes_max)});
  serve(responder, [&] {
    return Answer200{{{"x-pinecone-max-indexed-lsn", std::to_string(asked.visible_lsn())}},
                     std::move(json)};
  });
}

void PineconeEmulator::Service::list(const UrlTarget& target, const Responder& responder) {
  const std::string name = pinecone_space_named(target.parameter("namespace"));
  const std::string prefix = target.parameter("prefix");
  const std::string token = target.parameter("paginationToken");
  const std::string digits = target.parameter("limit");
  std::size_t limit = pinecone_page_ids_max;
  if (!digits.empty()) {
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, limit);
    if (error != std::errc() || end != last || limit < 1 || limit > pinecone_page_ids_max)
      return refuse(responder,
                    {400, 3, fmt::format("limit must be between 1 and {}", pinecone_page_ids_max)});
  }
  const std::optional<std::string> after = id_of_token(token);
  if (!after) return refuse(responder, {400, 3, "Invalid pagination token"});
  if (!may(Operation::list, name, 0, responder)) return;
  serve(responder, [&] {
    Json ids = Json::array();
    Json pagination;
    if (const auto found = spaces_.find(name); found != spaces_.end()) {
      const auto& records = found->second.records();
      auto at = token.empty() ? records.lower_bound(prefix) : records.upper_bound(*after);
      for (; at != records.end() && at->first.starts_with(prefix); ++at) {
        if (ids.size() == limit) {
          pagination = {{"next", page_token(ids.back()["id"].get<std::string>())}};
          break;
        }
        ids.push_back({{"id", at->first}});
      }
    }
    Json answer = {{"vectors", std::move(ids)}};
    if (!pagination.is_null()) answer["pagination"] = pagination;
    answer["namespace"] = name;
    answer["usage"] = {{"readUnits", 1}};
    return Answer200{{}, answer.dump(-1, ' ', false, Json::error_handler_t::replace)};
  });
}

void PineconeEmulator::Service::fetch(const UrlTarget& target, const Responder& responder) {
  const std::string name = pinecone_space_named(target.parameter("namespace"));
  const std::vector<std::string> ids = target.parameters("ids");
  if (ids.empty() || ids.size() > pinecone_ids_max)
    return refuse(responder, {400, 3, fmt::format("fetch takes 1 to {} ids", pinecone_ids_max)});
  if (!may(Operation::fetch, name, 0, responder)) return;
  serve(responder, [&] {
    std::string json = R"({"vectors":{)";
    const auto found = spaces_.find(name);
    for (const std::string& id : ids) {
      if (found == spaces_.end()) break;
      const auto record = found->second.records().find(id);
      if (record == found->second.records().end()) continue;
      if (!json.ends_with('{')) json += ',';
      append_json_string(json, id);
      json += R"(:{"id":)";
      append_json_string(json, id);
      json += R"(,"values":)";
      append_values(json, record->second.values);
      json += R"(,"metadata":)" + record->second.metadata + '}';
    }
    json += "}" + space_member(name) + R"(,"usage":{"readUnits":1}})";
    return Answer200{{}, std::move(json)};
  });
}

void PineconeEmulator::Service::describe(const Responder& responder) {
  if (!may(Operation::describe, "", 0, responder)) return;
  serve(responder, [&] {
    Json spaces = Json::object();
    std::uint64_t total = 0;
    for (const auto& [name, space] : spaces_) {
      total += space.records().size();
      if (!space.records().empty()) spaces[name] = {{"vectorCount", space.records().size()}};
    }
    const Json answer = {{"namespaces", spaces}, {"dimension", options_.dimensions},
                         {"indexFullness", 0},   {"totalVectorCount", total},
                         {"metric", "cosine"},   {"vectorType", "dense"}};
    return Answer200{{}, answer.dump(-1, ' ', false, Json::error_handler_t::replace)};
  });
}

PineconeUsage PineconeEmulator::Service::usage() const {
  PineconeUsage usage = usage_;
  for (const auto& [name, space] : spaces_) usage.records += space.records().size();
  return usage;
}

PineconeEmulator::PineconeEmulator(PineconeEmulatorOptions options)
    : service_(std::make_unique<Service>(std::move(options))) {}

PineconeEmulator::~PineconeEmulator() = default;

const std::string& PineconeEmulator::address() const {
  return service_->address();
}

PineconeUsage PineconeEmulator::stop() {
  return service_->stop();
}

}  // namespace penstock
