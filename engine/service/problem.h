// What the service refuses, as RFC 9457 has it ("problem details"). All of it is in one place.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/http/http_headers.h"

namespace penstock {

struct Problem {
  int status = 500;
  std::string_view name;   // of its type, urn:penstock:problem:NAME
  std::string_view title;  // the same for each of its type
  std::string detail;      // of this one; one line, and says what to do
  std::optional<std::chrono::seconds> retry_after;
  HttpHeaders headers;
};

Problem bad_request(std::string detail);
Problem unauthenticated();
Problem forbidden(std::string_view scope);
Problem link_refused();
Problem no_such_document();
Problem no_such_route(std::string_view path);
// `methods`: those that it takes, for the header Allow.
Problem method_not_allowed(std::string methods);
Problem idempotency_conflict(std::string_view id);
Problem not_failed(std::string_view state);
Problem too_large(std::uint64_t bytes_max);
Problem unsupported_content(std::string detail);
Problem content_mismatch(std::string detail);
Problem range_not_satisfiable(std::uint64_t bytes);
Problem too_many_requests(std::chrono::seconds retry_after);
// The lane's queue is longer than the service's owner wants it.
Problem queue_is_full(std::string detail, std::chrono::seconds retry_after);
// For who asks whether it is ready.
Problem stopping();
// What is behind the service does not answer, or not yet. Why is for its owner, not for its users.
Problem unavailable();

std::string problem_text(const Problem& problem);

}  // namespace penstock
