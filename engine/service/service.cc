#include "engine/service/service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/service/content.h"
#include "engine/service/dashboard/dashboard.h"
#include "engine/service/documents.h"
#include "engine/service/search.h"
#include "engine/service/upload.h"

namespace penstock {
namespace {

constexpr std::string_view bearer = "bearer ";

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// Absent: everybody reads the same in it.
std::optional<Problem> refuse_query(const UrlTarget& target) {
  if (!target.is_sound())
    return bad_request("the query has a % that is no %XX, or what is no UTF-8");
  if (const auto name = target.repeated()) return bad_request("the query has two of " + *name);
  return std::nullopt;
}

// Of an Origin, which is "null" where it is nobody's.
std::string_view host_of(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

// Runs until its end on no thread of the server.
bool is_answered_at_once(Action action) {
  return action == Action::health || action == Action::readiness || action == Action::metrics ||
         action == Action::openapi || action == Action::asset || action == Action::overview ||
         action == Action::all_events;
}

// Each has a tag of its content, so that a browser asks again and is told that it is the same.
void send_asset(const Call& call) {
  const auto assets = dashboard_assets();
  const auto found = std::ranges::find(assets, call.target().path(), &Asset::path);
  if (found == assets.end()) return call.answer(no_such_route(call.target().path()));
  HttpHeaders headers = {{"Content-Type", std::string(found->media_type)},
                         {"ETag", std::string(found->etag)},
                         {"Cache-Control", "no-cache"},
                         {"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"},
                         {"Referrer-Policy", "no-referrer"}};
  if (call.head().headers.find("If-None-Match") == found->etag)
    return call.answer(304, std::move(headers), {});
  call.answer(200, std::move(headers), std::string(found->bytes));
}

}  // namespace

bool is_this_machine(std::string_view host) {
  const bool is_ipv6 = host.starts_with('[');
  const std::size_t end = is_ipv6 ? host.find(']') + 1 : std::min(host.find(':'), host.size());
  const std::string_view name = host.substr(0, end);
  if (end < host.size() && host[end] != ':') return false;
  if (is_ipv6) return name == "[::1]";
  // 127.0.0.1.evil.example is a name of somebody else's.
  const bool is_address = name.find_first_not_of("0123456789.") == std::string_view::npos;
  return name == "localhost" || (is_address && name.starts_with("127."));
}

Service::Service(ServiceParts parts, ServiceOptions options, std::unique_ptr<KeyRing> keys)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      keys_(std::move(keys)),
      watch_(parts_),
      streams_(parts_.events,
               [this](const Caller& caller) { return !keys_ || keys_->has(caller.key, now()); }),
      sweeper_(parts_, options_.sweeper),
      server_(std::make_unique<HttpServer>(
          options_.http,
          [this](ServedRequest request, const Responder& responder) {
            handle(std::move(request), responder);
          },
          [this](const RequestHead& head, const Responder& responder) {
            return sink_of(head, responder);
          },
          [this](std::size_t open) { parts_.metrics.http_connections(open); })) {}

Service::~Service() {
  // First, so that no call reaches what goes next; then those that were on their way.
  server_.reset();
  parts_.threads.wait_until_idle();
}

void Service::drain(std::chrono::milliseconds grace) {
  is_draining_ = true;
  streams_.close();
  server_->drain(grace);
}

std::optional<Call> Service::admit(const RequestHead& head, const Responder& responder) {
  const UrlTarget target(head.target);
  auto found = find_route(head.method, target.path());
  if (const auto* problem = std::get_if<Problem>(&found)) {
    parts_.metrics.http_answered(head.method, "none", problem->status, Duration{0});
    refuse(responder, *problem);
    return std::nullopt;
  }
  auto& match = std::get<RouteMatch>(found);
  auto caller = caller_of(head, match);
  const auto answered = [this, method = head.method, path = match.route->path,
                         begun = now()](int status) {
    parts_.metrics.http_answered(method, path, status, now() - begun);
  };
  std::optional<Problem> problem = refuse_query(target);
  if (auto* unwelcome = std::get_if<Problem>(&caller)) problem = std::move(*unwelcome);
  if (problem) {
    answered(problem->status);
    refuse(responder, *problem);
    return std::nullopt;
  }
  return Call(head, std::move(match), std::get<Caller>(std::move(caller)), responder, answered);
}

std::variant<Caller, Problem> Service::caller_of(const RequestHead& head, const RouteMatch& match) {
  const Scope wanted = match.route->scope;
  // Who comes with a link has its rights, and no others, also where everybody has all.
  if (const UrlTarget target(head.target);
      match.route->action == Action::content && !target.parameter("signature").empty()) {
    if (const auto link = verified_link(target, match.id, parts_.link_secret, wall_now()))
      return Caller{link->tenant, {}, {Scope::read}, 0, false};
    parts_.metrics.rejected(Rejection::auth);
    return link_refused();
  }
  if (!keys_) {
    const auto host = head.headers.find("Host");
    const auto origin = head.headers.find("Origin");
    if ((host && !is_this_machine(*host)) || (origin && !is_this_machine(host_of(*origin)))) {
      parts_.metrics.rejected(Rejection::auth);
      return Problem{403,
                     "foreign-host",
                     "The service has no API keys, and serves this machine only",
                     "make a key with penstock keys add, and start it with --api-keys",
                     {},
                     {}};
    }
    return Caller{std::string(only_tenant),
                  {},
                  {Scope::upload, Scope::read, Scope::admin, Scope::metrics},
                  options_.document_bytes_max,
                  true};
  }
  if (wanted == Scope::none) return Caller{};
  const std::string_view said = head.headers.find("Authorization").value_or("");
  std::optional<ClientKey> key;
  if (lower_case(said.substr(0, bearer.size())) == bearer)
    key = keys_->find(without_blanks(said.substr(bearer.size())), now());
  if (!key || !key->scopes.contains(wanted)) {
    parts_.metrics.rejected(Rejection::auth);
    return key ? forbidden(name_of(wanted)) : unauthenticated();
  }
  if (const auto wait = rates_.take(key->id, key->requests_per_minute, now())) {
    parts_.metrics.rejected(Rejection::rate);
    return too_many_requests(*wait);
  }
  return caller_with(*key);
}

Caller Service::caller_with(const ClientKey& key) const {
  const std::uint64_t bytes_max = key.document_bytes == 0
                                      ? options_.document_bytes_max
                                      : std::min(key.document_bytes, options_.document_bytes_max);
  return {key.tenant, key.id, key.scopes, bytes_max, false};
}

std::unique_ptr<BodySink> Service::sink_of(const RequestHead& head, const Responder& responder) {
  const auto found = find_route(head.method, UrlTarget(head.target).path());
  const auto* match = std::get_if<RouteMatch>(&found);
  const bool is_upload = match != nullptr && (match->route->action == Action::upload ||
                                              match->route->action == Action::replace);
  if (!is_upload) return nullptr;
  const auto call = admit(head, responder);
  if (!call) return deaf_sink();
  return begin_upload(parts_, *call);
}

void Service::handle(ServedRequest request, const Responder& responder) {
  const auto call = admit(request, responder);
  if (!call) return;
  if (is_answered_at_once(call->route().action)) return act(*call, request.body);
  parts_.threads.run(Lane::interactive,
                     [this, call = *call, body = std::move(request.body)] { act(call, body); });
}

void Service::act(const Call& call, const std::string& body) {
  switch (call.route().action) {
    case Action::upload:
    case Action::replace:
      return call.answer(bad_request("the content is empty"));
    case Action::list:
      return list_documents(parts_, call);
    case Action::show:
      return show_document(parts_, call);
    case Action::remove:
      return remove_document(parts_, call);
    case Action::retry:
      return retry_document(parts_, call);
    case Action::content:
      return send_content(parts_, call);
    case Action::link:
      return make_link(parts_, call, body);
    case Action::document_events:
      return watch_document(call);
    case Action::all_events:
      return streams_.open(call, {});
    case Action::search:
      return search(parts_, call);
    case Action::failures:
      return list_failures(parts_, call);
    case Action::overview:
      return answer_overview(parts_, watch_, started_, options_.version, call);
    case Action::health:
      return call.answer(200, {{"status", "alive"}});
    case Action::readiness:
      if (is_draining_) return call.answer(stopping());
      if (!watch_.sight()->failure.empty()) return call.answer(unavailable());
      return call.answer(200, {{"status", "ready"}});
    case Action::metrics:
      return call.answer(200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                         parts_.metrics.text());
    case Action::openapi:
    case Action::asset:
      return send_asset(call);
  }
}

void Service::watch_document(const Call& call) {
  const auto view = view_of(parts_, call);
  if (!view) return;
  // How things stand comes first. What happens between this look and the stream is told by who asks
  // again, as one must after any loss of a stream.
  streams_.open(call, event_text("state", json_text(json_of(*view))));
}

}  // namespace penstock
