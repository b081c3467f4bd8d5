// Anything as the answer of an index: what is read of it is what a caller may rely on.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/backends/pinecone/index_answers.h"
#include "engine/backends/pinecone/record_id.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

template <typename T>
bool is_read(const Result<T>& result) {
  if (!result)
    REQUIRE(result.error().kind == ErrorKind::retryable && !result.error().message.empty());
  return result.has_value();
}

void check_answers(const std::string& body) {
  is_read(read_upserted_count(body));
  is_read(read_deleted(body));
  is_read(read_fetched(body));
  is_read(read_index_stats(body));
  if (const auto page = read_id_page(body); is_read(page))
    REQUIRE(!page->ids.empty() || page->next.empty());
  if (const auto matches = read_matches(body); is_read(matches)) {
    REQUIRE(matches->hits.size() <= matches->count);
    for (const Hit& hit : matches->hits) {
      REQUIRE(hit.chunk.text.empty());
      REQUIRE(!std::isnan(hit.score));
    }
  }
}

void check_id(std::string_view id) {
  const auto parsed = parse_record_id(id);
  if (parsed) REQUIRE(record_id(parsed->prefix, parsed->ordinal) == id);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  penstock::check_answers(bytes);
  penstock::check_id(bytes);
  return 0;
}
