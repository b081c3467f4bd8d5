// Documents to text, in this process: what an extraction child runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/outcome.h"
#include "engine/stages/extract/extractor_kind.h"
#include "engine/stages/extract/page_source.h"

namespace penstock {

struct PageRange {
  std::uint32_t first = 0;  // counted from 0
  std::uint32_t count = 0;  // at most; a document may have fewer
};

struct ExtractedPages {
  Outcome outcome = Outcome::done;  // not done: nothing else is set but the message
  std::string message;              // done: the first warning of these pages, or nothing
  std::uint32_t pages_total = 0;    // of the document
  std::string utf8;                 // clean text of the range's pages, one after another
  std::vector<std::size_t> page_ends;
};

// Decides by content: a PDF has %PDF- near its start; text is valid UTF-8, or UTF-16 with a byte
// order mark, or free of control bytes. One thread. Hostile input may crash it, make it allocate
// without bound, or never return: that is what the child's sandbox is for.
class TextExtractor {
 public:
  // Warms up what would need files later. Throws FatalError if this kind was not built.
  explicit TextExtractor(ExtractorKind kind);
  ~TextExtractor();

  // Consecutive calls with the same `document` number are about the same bytes, which stay open,
  // and alive, in between. Text beyond text_bytes_max is not read: the range ends earlier, with at
  // least one page, or is too_large if the first page alone exceeds it.
  ExtractedPages extract(std::uint64_t document, std::string_view bytes, PageRange range,
                         std::size_t text_bytes_max);

 private:
  OpenedDocument open(std::string_view bytes);

  std::unique_ptr<PdfReader> reader_;
  OpenedDocument open_;
  bool is_typeset_ = false;  // what is open is a PDF
  std::uint64_t document_ = 0;
  std::string raw_;
};

// Whether Poppler finds its character maps (Debian: poppler-data), without which most text in
// Chinese, Japanese and Korean silently vanishes.
bool has_character_maps();

// "22.12.0"
std::string poppler_library_version();

}  // namespace penstock
