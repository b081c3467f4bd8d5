// A document that is open, and what opens PDFs: the seam between the two extractors and everything
// around them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/core/outcome.h"

namespace penstock {

// One thread. May crash, allocate without bound or never return: see TextExtractor.
class PageSource {
 public:
  virtual ~PageSource() = default;

  virtual std::uint32_t pages() const = 0;
  // Appends the raw text of a page, counted from 0; UTF-8 that may need cleaning. Sets `warning` if
  // something that the page holds is missing in it, and leaves it alone if not.
  virtual void append_page(std::uint32_t page, std::string& raw, std::string& warning) = 0;
};

struct OpenedDocument {
  std::unique_ptr<PageSource> pages;  // null: it cannot be opened, and the rest tells why
  Outcome outcome = Outcome::done;
  std::string message;  // corrupt: Poppler's complaint
};

// An extractor of PDFs, warmed up: what it needs of files it has read when it is made.
class PdfReader {
 public:
  virtual ~PdfReader() = default;

  // `pdf` stays alive as long as what is opened.
  virtual OpenedDocument open(std::string_view pdf) = 0;
};

// Poppler's own text output, by its public interface.
std::unique_ptr<PdfReader> make_poppler_reader();

// Our interpreter on Poppler's objects (engine/stages/extract/pdf). Not there in a build with a
// Poppler whose objects it does not know (PENSTOCK_INTERPRETER).
std::unique_ptr<PdfReader> make_interpreting_reader();

}  // namespace penstock
