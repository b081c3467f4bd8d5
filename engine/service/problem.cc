#include "engine/service/problem.h"

#include <utility>

#include "engine/http/json.h"

namespace penstock {

Problem bad_request(std::string detail) {
  return {400, "bad-request", "The request cannot be understood", std::move(detail), {}, {}};
}

Problem unauthenticated() {
  return {401,
          "unauthenticated",
          "An API key is needed",
          "send it as Authorization: Bearer KEY; penstock keys add makes one",
          {},
          {{"WWW-Authenticate", "Bearer"}}};
}

Problem forbidden(std::string_view scope) {
  return {403,
          "forbidden",
          "The API key does not permit this",
          "it has not the scope " + std::string(scope),
          {},
          {}};
}

Problem link_refused() {
  return {403,
          "link-refused",
          "The link is not valid, or not any more",
          "ask for a new one with POST /v1/documents/{id}/links",
          {},
          {}};
}

Problem no_such_document() {
  return {404,
          "no-such-document",
          "There is no such document",
          "it was never uploaded, or it was deleted",
          {},
          {}};
}

Problem no_such_route(std::string_view path) {
  return {404,
          "no-such-route",
          "There is nothing at this path",
          std::string(path) + " is none of those that /openapi.json names",
          {},
          {}};
}

Problem method_not_allowed(std::string methods) {
  return {405, "method-not-allowed", "The path does not take this method", "it takes " + methods,
          {},  {{"Allow", methods}}};
}

Problem idempotency_conflict(std::string_view id) {
  return {422,
          "idempotency-conflict",
          "The idempotency key was used with another content or other metadata",
          "by the document " + std::string(id) + "; send another document with another key",
          {},
          {}};
}

Problem not_failed(std::string_view state) {
  return {409,
          "not-failed",
          "Only a failed document can be tried again",
          "this one is " + std::string(state),
          {},
          {}};
}

Problem too_large(std::uint64_t bytes_max) {
  return {413,
          "too-large",
          "The document is too large",
          "at most " + std::to_string(bytes_max) + " bytes are taken",
          {},
          {}};
}

Problem unsupported_content(std::string detail) {
  return {
      415, "unsupported-content", "The content is of no kind that is read", std::move(detail), {},
      {}};
}

Problem content_mismatch(std::string detail) {
  return {422, "content-mismatch", "The content is not what was announced", std::move(detail), {},
          {}};
}

Problem range_not_satisfiable(std::uint64_t bytes) {
  return {416,
          "range-not-satisfiable",
          "The document has no such range",
          "it has " + std::to_string(bytes) + " bytes",
          {},
          {{"Content-Range", "bytes */" + std::to_string(bytes)}}};
}

Problem too_many_requests(std::chrono::seconds retry_after) {
  return {429,
          "too-many-requests",
          "The API key has used its requests of this minute",
          "come back in " + std::to_string(retry_after.count()) + " s",
          retry_after,
          {}};
}

Problem queue_is_full(std::string detail, std::chrono::seconds retry_after) {
  return {
      429, "queue-is-full", "More is waiting than can be done soon", std::move(detail), retry_after,
      {}};
}

Problem stopping() {
  return {503, "stopping", "The service is about to end", "ask another one, or ask again later",
          {},  {}};
}

Problem unavailable() {
  return {503,
          "unavailable",
          "Something behind the service does not answer",
          "nothing was changed, or what was can be repeated; try again",
          std::chrono::seconds(5),
          {}};
}

std::string problem_text(const Problem& problem) {
  Json object = {{"type", "urn:penstock:problem:" + std::string(problem.name)},
                 {"title", problem.title},
                 {"status", problem.status}};
  if (!problem.detail.empty()) object["detail"] = problem.detail;
  return json_text(object);
}

}  // namespace penstock
