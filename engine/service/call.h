// One request on its way to its one answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "engine/core/clock.h"
#include "engine/http/http_server.h"
#include "engine/http/json.h"
#include "engine/http/url_target.h"
#include "engine/service/problem.h"
#include "engine/service/routes.h"

namespace penstock {

// Who asks, as far as the answer depends on it.
struct Caller {
  std::string tenant;
  std::string key;  // the id of the client's key; empty: it has none
  std::set<Scope> scopes;
  std::uint64_t document_bytes_max = 0;
  // Without API keys there is one user, whose store it is: what was backfilled is found, too.
  bool owns_store = false;
};

// A copy is the same call. When the last is gone without an answer, the connection is closed.
class Call {
 public:
  // `answered` is told the status of the first answer, for the metrics.
  Call(RequestHead head, RouteMatch match, Caller caller, Responder responder,
       std::function<void(int status)> answered);

  const RequestHead& head() const { return shared_->head; }
  const UrlTarget& target() const { return shared_->target; }
  const Route& route() const { return *shared_->match.route; }
  const std::string& id() const { return shared_->match.id; }
  const Caller& caller() const { return shared_->caller; }
  const Responder& responder() const { return shared_->responder; }

  // A later answer than the first does nothing.
  void answer(int status, const Json& body, HttpHeaders headers = {}) const;
  void answer(const Problem& problem) const;
  void answer(int status, HttpHeaders headers, std::string body) const;
  // In parts, by the responder. False: it was answered before.
  bool begin(int status, HttpHeaders headers, std::optional<std::uint64_t> content_length) const;

 private:
  struct Shared {
    Shared(RequestHead its_head, RouteMatch its_match, Caller its_caller, Responder its_responder,
           std::function<void(int)> is_told)
        : head(std::move(its_head)),
          target(head.target),
          match(std::move(its_match)),
          caller(std::move(its_caller)),
          responder(std::move(its_responder)),
          answered(std::move(is_told)) {}

    const RequestHead head;
    const UrlTarget target;
    const RouteMatch match;
    const Caller caller;
    const Responder responder;
    const std::function<void(int)> answered;
    std::atomic<bool> is_answered{false};
  };
  bool is_first(int status) const;

  std::shared_ptr<Shared> shared_;
};

// Of a request that has its answer: what still comes of its body is not heard out.
std::unique_ptr<BodySink> deaf_sink();

// To who was refused before it was clear what is asked.
void refuse(const Responder& responder, const Problem& problem);

}  // namespace penstock
