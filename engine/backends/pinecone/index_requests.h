// The requests that an index is sent, but for upserts, which upsert_bodies.h writes. `space` is the
// namespace.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/pinecone/index_client.h"

namespace penstock {

using TakeAnswer = decltype(IndexRequest::take);

// Lists the ids that begin with `prefix`, in the order of their bytes, page after page. `take` gets
// each page once, and answers whether it wants the next.
using TakeIds = std::function<bool(std::vector<std::string> ids, bool is_last,
                                   std::vector<IndexRequest>& more)>;
IndexRequest list_request(const std::string& space, std::string prefix, TakeIds take);

// Fetches records by their ids, which stand in the URL: the service would take 1,000, a proxy in
// between may not.
inline constexpr std::size_t fetch_ids_max = 50;
IndexRequest fetch_request(const std::string& space, const std::vector<std::string>& ids,
                           TakeAnswer take);

// Deletes records by their ids, there or not; the service takes so many at once.
inline constexpr std::size_t delete_ids_max = 1'000;
IndexRequest delete_request(const std::string& space, std::span<const std::string> ids,
                            TakeAnswer take);

// Asks for the records nearest to `vector`, but for those of some documents, of which there may be
// keys_left_out_max. With metadata the service gives matches_max at most, and no more than 4 MB.
inline constexpr std::size_t matches_with_metadata_max = 1'000;
inline constexpr std::size_t keys_left_out_max = 10'000;
IndexRequest query_request(const std::string& space, std::span<const float> vector,
                           std::size_t matches_max, bool with_metadata,
                           const std::set<std::string>& keys_left_out, TakeAnswer take);

// Asks for dimension, metric and the records in each namespace.
IndexRequest stats_request(TakeAnswer take);

}  // namespace penstock
