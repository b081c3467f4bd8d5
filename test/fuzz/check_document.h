// A document through our extractor: what comes out is fit to be stored, whatever it is.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/stages/extract/extract_text.h"
#include "test/fuzz/require.h"

namespace penstock {

inline void check_document(std::string_view bytes) {
  static TextExtractor extractor(ExtractorKind::penstock);
  static std::uint64_t number = 0;
  constexpr std::uint32_t pages_max = 16;
  constexpr std::size_t text_bytes_max = 1 << 20;
  const ExtractedPages pages = extractor.extract(++number, bytes, {0, pages_max}, text_bytes_max);
  if (pages.outcome == Outcome::done) {
    REQUIRE(pages.pages_total > 0);
    REQUIRE(!pages.page_ends.empty() && pages.page_ends.size() <= pages_max);
  } else {
    REQUIRE(pages.utf8.empty() || pages.outcome == Outcome::too_large);
  }
  std::size_t before = 0;
  for (const std::size_t end : pages.page_ends) {
    REQUIRE(before <= end && end <= text_bytes_max);
    before = end;
  }
  REQUIRE(pages.outcome != Outcome::done || before == pages.utf8.size());
  REQUIRE(simdjson::validate_utf8(pages.utf8.data(), pages.utf8.size()));
}

}  // namespace penstock
