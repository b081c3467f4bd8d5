// A document's text: one UTF-8 string, with the places where its pages end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace penstock {

struct Text {
  // Valid UTF-8, NFC, no NUL. A page ends with '\n' unless it is empty.
  std::string utf8;
  // Byte offset in utf8 at which each page ends, ascending; the last equals utf8.size().
  // An empty page repeats its predecessor's offset. page_ends.size() is the number of pages.
  std::vector<std::size_t> page_ends;

  // The 1-based page that holds the byte at `offset`.
  std::uint32_t page_of(std::size_t offset) const;
};

}  // namespace penstock
