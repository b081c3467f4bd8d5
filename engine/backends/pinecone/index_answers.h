// What an index answers, read and checked. Fields that are not known are passed over; a list that
// is missing is an empty one, which is how the service may write it. Errors are retryable: what is
// no answer of the service's comes from something in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "engine/http/http_headers.h"
#include "engine/io/vector_store.h"

namespace penstock {

// Of POST /vectors/upsert.
Result<std::uint64_t> read_upserted_count(const std::string& body);

// Of POST /vectors/delete, which says nothing.
Result<void> read_deleted(const std::string& body);

struct IdPage {
  std::vector<std::string> ids;
  std::string next;  // the token of the page after it; empty: this was the last
};

// Of GET /vectors/list.
Result<IdPage> read_id_page(const std::string& body);

struct Matches {
  std::size_t count = 0;  // of all records, best first
  std::vector<Hit> hits;  // those that are chunks, in that order
};

// Of POST /query with metadata.
Result<Matches> read_matches(const std::string& body);

struct FetchedRecord {
  std::string id;
  std::optional<std::string> key;    // of a chunk's document
  std::optional<std::string> model;  // of the record that names it
};

// Of GET /vectors/fetch. In no order.
Result<std::vector<FetchedRecord>> read_fetched(const std::string& body);

struct IndexStats {
  std::uint64_t dimensions = 0;                                // 0: not said
  std::string metric;                                          // empty: not said
  std::vector<std::pair<std::string, std::uint64_t>> records;  // by namespace

  // Of a namespace, empty for the default one, which has two names.
  std::uint64_t records_in(const std::string& space) const;
};

// Of POST /describe_index_stats.
Result<IndexStats> read_index_stats(const std::string& body);

// A log sequence number from a header; absent if it is not there, or not a number.
std::optional<std::uint64_t> read_lsn(const HttpHeaders& headers, std::string_view name);

}  // namespace penstock
