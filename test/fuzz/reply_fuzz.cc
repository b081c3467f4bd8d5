// Anything as the answer of an extraction process: what is believed stays within its bounds.
#include <cstdint>
#include <cstring>

#include "engine/core/outcome.h"
#include "engine/stages/extract/protocol.h"
#include "test/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock::extractor_protocol;
  Reply reply;
  Request request;
  if (size < 8) return 0;
  request.page_count = data[0] * 2u;
  request.first_page = data[1];
  std::optional<std::uint32_t> pages_total;
  if (data[2] % 2 == 0) pages_total = data[3];
  std::memcpy(&reply, data + 8, std::min(size - 8, sizeof reply));
  if (!is_plausible(reply, request, pages_total)) return 0;
  if (reply.outcome != static_cast<std::uint32_t>(penstock::Outcome::done)) return 0;
  REQUIRE(reply.pages_done <= pages_per_range_max && reply.pages_done <= request.page_count);
  REQUIRE(reply.text_bytes <= output_bytes);
  for (std::uint32_t page = 0; page < reply.pages_done; ++page)
    REQUIRE(reply.page_ends[page] <= reply.text_bytes);
  return 0;
}
