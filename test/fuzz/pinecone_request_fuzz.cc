// What a client sends to the emulated index: what is taken is within the service's limits.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/http/url_target.h"
#include "loadgen/emulate/pinecone_requests.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

constexpr std::size_t dimensions = 2;

template <typename T>
bool is_taken(const PineconeParsed<T>& parsed) {
  if (!parsed) REQUIRE(parsed.error().status == 400 && !parsed.error().message.empty());
  return parsed.has_value();
}

void check_body(const std::string& body) {
  if (const auto upsert = parse_pinecone_upsert(body, dimensions); is_taken(upsert)) {
    REQUIRE(!upsert->records.empty());
    REQUIRE(upsert->records.size() <= pinecone_upsert_records_max);
    for (const auto& [id, record] : upsert->records) {
      REQUIRE(!id.empty() && id.size() <= pinecone_id_bytes_max);
      REQUIRE(record.values.size() == dimensions && std::isfinite(record.length));
      REQUIRE(record.metadata.size() <= pinecone_metadata_bytes_max);
      static_cast<void>(PineconeFilter{"field", {"value"}, true}.takes(record.metadata));
    }
  }
  if (const auto query = parse_pinecone_query(body, dimensions); is_taken(query)) {
    REQUIRE(query->matches_max >= 1 && query->matches_max <= pinecone_matches_max);
    REQUIRE(query->vector.size() == dimensions);
    static_cast<void>(query->filter.takes(R"({"field":"value","list":["a"]})"));
  }
  if (const auto deletion = parse_pinecone_delete(body); is_taken(deletion))
    REQUIRE(!deletion->ids.empty() && deletion->ids.size() <= pinecone_ids_max);
}

void check_target(std::string_view text) {
  const UrlTarget target(text);
  REQUIRE(target.path().size() <= text.size());
  const auto ids = target.parameters("ids");
  REQUIRE(target.parameter("ids") == (ids.empty() ? std::string() : ids.front()));
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  penstock::check_body(bytes);
  penstock::check_target(bytes);
  return 0;
}
