// The extractors that are measured side by side, each behind the same call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/core/outcome.h"

namespace penstock {

struct PeerText {
  Outcome outcome = Outcome::done;  // done, encrypted, corrupt, or Penstock's own verdict
  std::uint32_t pages = 0;
  std::string utf8;
};

// One thread. What a process needs once (global tables, a context) is made by the constructor;
// everything that a document costs, opening and closing included, is in extract().
class Peer {
 public:
  virtual ~Peer() = default;
  // The text of all pages. `bytes` must outlive the call alone. Hostile input may crash it, or make
  // it run for ever: measured_run() survives both.
  virtual PeerText extract(std::string_view bytes) = 0;
};

std::unique_ptr<Peer> make_penstock();

// MuPDF's library: structured text, every page printed as plain text, as `mutool draw -F text`
// does.
std::unique_ptr<Peer> make_mupdf();

enum class PopplerOrder {
  reading,  // as pdftotext does: columns and paragraphs are looked for
  content,  // as `pdftotext -raw` does
};
// Poppler's own TextOutputDev, driven as pdftotext drives it.
std::unique_ptr<Peer> make_poppler(PopplerOrder order);

}  // namespace penstock
