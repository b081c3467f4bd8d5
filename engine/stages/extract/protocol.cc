#include "engine/stages/extract/protocol.h"

#include <algorithm>

#include "engine/core/outcome.h"

namespace penstock::extractor_protocol {
namespace {

// More pages than this no document has, whatever it claims.
constexpr std::uint32_t pages_max = 1'000'000;

bool is_outcome_of_extraction(std::uint32_t value) {
  constexpr Outcome possible[] = {Outcome::done, Outcome::encrypted, Outcome::corrupt,
                                  Outcome::unsupported, Outcome::too_large};
  return std::any_of(std::begin(possible), std::end(possible),
                     [&](Outcome each) { return static_cast<std::uint32_t>(each) == value; });
}

}  // namespace

bool is_plausible(const Reply& reply, const Request& request,
                  const std::optional<std::uint32_t>& pages_total) {
  if (reply.message != Message::reply || reply.document != request.document ||
      !is_outcome_of_extraction(reply.outcome))
    return false;
  if (reply.outcome != static_cast<std::uint32_t>(Outcome::done)) return true;
  if (reply.pages_total > pages_max || reply.pages_total <= request.first_page ||
      reply.pages_total != pages_total.value_or(reply.pages_total))
    return false;
  const std::uint32_t pages_asked =
      std::min({request.page_count, reply.pages_total - request.first_page, pages_per_range_max});
  if (reply.pages_done == 0 || reply.pages_done > pages_asked || reply.text_bytes > output_bytes)
    return false;
  const auto ends_end = reply.page_ends.begin() + reply.pages_done;
  return std::is_sorted(reply.page_ends.begin(), ends_end) && ends_end[-1] == reply.text_bytes;
}

}  // namespace penstock::extractor_protocol
