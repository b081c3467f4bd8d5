#include "engine/service/call.h"

#include <utility>

namespace penstock {
namespace {

// No answer is another's page, or to be guessed at; what may be kept says so itself.
HttpHeaders with_defaults(HttpHeaders headers) {
  headers.add("X-Content-Type-Options", "nosniff");
  if (!headers.find("Cache-Control")) headers.add("Cache-Control", "no-store");
  return headers;
}

class DeafSink final : public BodySink {
  void write(std::string_view /*part*/, std::function<void()> /*more*/) override {}
  void finish() override {}
};

HttpHeaders headers_of(const Problem& problem) {
  HttpHeaders headers = problem.headers;
  headers.add("Content-Type", "application/problem+json");
  if (problem.retry_after) headers.add("Retry-After", std::to_string(problem.retry_after->count()));
  return headers;
}

}  // namespace

Call::Call(RequestHead head, RouteMatch match, Caller caller, Responder responder,
           std::function<void(int status)> answered)
    : shared_(std::make_shared<Shared>(std::move(head), std::move(match), std::move(caller),
                                       std::move(responder), std::move(answered))) {}

bool Call::is_first(int status) const {
  if (shared_->is_answered.exchange(true)) return false;
  if (shared_->answered) shared_->answered(status);
  return true;
}

void Call::answer(int status, const Json& body, HttpHeaders headers) const {
  headers.add("Content-Type", "application/json");
  answer(status, std::move(headers), json_text(body) + "\n");
}

void Call::answer(const Problem& problem) const {
  answer(problem.status, headers_of(problem), problem_text(problem) + "\n");
}

void Call::answer(int status, HttpHeaders headers, std::string body) const {
  if (is_first(status))
    shared_->responder.respond(status, with_defaults(std::move(headers)), std::move(body));
}

bool Call::begin(int status, HttpHeaders headers,
                 std::optional<std::uint64_t> content_length) const {
  if (!is_first(status)) return false;
  shared_->responder.begin(status, with_defaults(std::move(headers)), content_length);
  return true;
}

std::unique_ptr<BodySink> deaf_sink() {
  return std::make_unique<DeafSink>();
}

void refuse(const Responder& responder, const Problem& problem) {
  responder.respond(problem.status, with_defaults(headers_of(problem)),
                    problem_text(problem) + "\n");
}

}  // namespace penstock
