#include "engine/backends/pinecone/index_requests.h"

#include <cassert>
#include <utility>

#include "engine/backends/pinecone/index_answers.h"
#include "engine/backends/pinecone/upsert_bodies.h"
#include "engine/core/uri.h"
#include "engine/http/json_string.h"

namespace penstock {
namespace {

std::string space_parameter(const std::string& space) {
  return space.empty() ? "" : "&namespace=" + uri_encoded(space);
}

IndexRequest list_page_request(const std::string& space, const std::string& prefix,
                               const std::string& token, TakeIds take) {
  IndexRequest request;
  request.method = "GET";
  request.target = "/vectors/list?limit=100&prefix=" + uri_encoded(prefix);
  if (!token.empty()) request.target += "&paginationToken=" + uri_encoded(token);
  request.target += space_parameter(space);
  request.take = [space, prefix, token, take = std::move(take)](
                     HttpResponse& response, std::vector<IndexRequest>& more) -> Result<void> {
    Result<IdPage> page = read_id_page(response.body);
    if (!page) return pass_on(page.error());
    if (!page->next.empty() && page->next == token)
      return retryable_error("a page of ids that is followed by itself");
    const bool is_last = page->next.empty();
    if (take(std::move(page->ids), is_last, more) && !is_last)
      more.push_back(list_page_request(space, prefix, page->next, take));
    return {};
  };
  return request;
}

// ,"namespace":"..."}
std::string space_and_end(const std::string& space) {
  std::string json = R"(,"namespace":)";
  append_json_string(json, space);
  return json + '}';
}

}  // namespace

IndexRequest list_request(const std::string& space, std::string prefix, TakeIds take) {
  return list_page_request(space, prefix, "", std::move(take));
}

IndexRequest fetch_request(const std::string& space, const std::vector<std::string>& ids,
                           TakeAnswer take) {
  assert(!ids.empty() && ids.size() <= fetch_ids_max);
  IndexRequest request;
  request.method = "GET";
  request.target = "/vectors/fetch?ids=" + uri_encoded(ids.front());
  for (std::size_t i = 1; i < ids.size(); ++i) request.target += "&ids=" + uri_encoded(ids[i]);
  request.target += space_parameter(space);
  request.take = std::move(take);
  return request;
}

IndexRequest delete_request(const std::string& space, std::span<const std::string> ids,
                            TakeAnswer take) {
  assert(!ids.empty() && ids.size() <= delete_ids_max);
  std::string json = R"({"ids":[)";
  for (const std::string& id : ids) {
    if (json.back() != '[') json += ',';
    append_json_string(json, id);
  }
  json += ']' + space_and_end(space);
  return {"POST", "/vectors/delete", std::move(json), std::move(take)};
}

IndexRequest query_request(const std::string& space, std::span<const float> vector,
                           std::size_t matches_max, bool with_metadata,
                           const std::set<std::string>& keys_left_out, TakeAnswer take) {
  std::string json = R"({"vector":)";
  append_vector(json, vector);
  json += R"(,"topK":)" + std::to_string(matches_max);
  json += R"(,"includeValues":false,"includeMetadata":)";
  json += with_metadata ? "true" : "false";
  if (!keys_left_out.empty()) {
    json += R"(,"filter":{"key":{"$nin":[)";
    for (const std::string& key : keys_left_out) {
      if (json.back() != '[') json += ',';
      append_json_string(json, key);
    }
    json += "]}}";
  }
  json += space_and_end(space);
  return {"POST", "/query", std::move(json), std::move(take)};
}

IndexRequest stats_request(TakeAnswer take) {
  return {"POST", "/describe_index_stats", "{}", std::move(take)};
}

}  // namespace penstock
