// What extraction gives for a document.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/core/outcome.h"
#include "engine/core/text.h"

namespace penstock {

struct Extraction {
  // done, no_text, encrypted, corrupt, crashed, timed_out, out_of_memory, unsupported, too_large.
  Outcome outcome = Outcome::done;
  // Closer than describe(outcome), e.g. "page 12: ..."; may be empty. Of a done document: the first
  // warning, that something the document holds is missing in its text.
  std::string message;
  Text text;  // complete when done; empty otherwise
  std::uint32_t pages = 0;
  std::chrono::nanoseconds busy{0};  // summed over the processes that worked on it
};

}  // namespace penstock
