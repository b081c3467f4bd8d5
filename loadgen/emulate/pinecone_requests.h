// The bodies that a client posts to an index of Pinecone, held against what the service holds them
// against.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "loadgen/emulate/pinecone_error.h"
#include "loadgen/emulate/pinecone_space.h"

namespace penstock {

inline constexpr std::size_t pinecone_upsert_bytes_max = 2 << 20;
inline constexpr std::size_t pinecone_upsert_records_max = 1'000;
inline constexpr std::size_t pinecone_metadata_bytes_max = 40'960;
inline constexpr std::size_t pinecone_id_bytes_max = 512;
inline constexpr std::size_t pinecone_matches_max = 10'000;
inline constexpr std::size_t pinecone_matches_with_data_max = 1'000;  // metadata, or values
inline constexpr std::size_t pinecone_answer_bytes_max = 4 << 20;     // of a query
inline constexpr std::size_t pinecone_ids_max = 1'000;                // of a fetch, or a delete
inline constexpr std::size_t pinecone_page_ids_max = 100;             // of a list

template <typename T>
using PineconeParsed = tl::expected<T, PineconeError>;

struct PineconeUpsert {
  std::string space;
  std::vector<std::pair<std::string, PineconeRecord>> records;
};
PineconeParsed<PineconeUpsert> parse_pinecone_upsert(const std::string& body,
                                                     std::size_t dimensions);

struct PineconeQuery {
  std::string space;
  std::vector<float> vector;
  std::size_t matches_max = 0;
  bool with_values = false;
  bool with_metadata = false;
  PineconeFilter filter;
};
PineconeParsed<PineconeQuery> parse_pinecone_query(const std::string& body, std::size_t dimensions);

struct PineconeDelete {
  std::string space;
  std::vector<std::string> ids;
};
PineconeParsed<PineconeDelete> parse_pinecone_delete(const std::string& body);

// The namespace that a request names; the default one has two names.
std::string pinecone_space_named(std::string_view name);

}  // namespace penstock
