// A chunk: a run of a document's text, the unit that is embedded and found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock {

struct Chunk {
  std::uint32_t ordinal = 0;     // 0, 1, 2 ... within a version
  std::uint32_t page_first = 1;  // 1-based, inclusive
  std::uint32_t page_last = 1;
  std::uint64_t char_begin = 0;  // Unicode code points from the start of the document's text,
  std::uint64_t char_end = 0;    // half open
  std::uint32_t tokens = 0;      // exact, of this chunk's text encoded by itself
  std::string_view text;         // a view into the document's Text or into a store's row
};

}  // namespace penstock
