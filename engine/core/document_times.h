// When a document came to each stage of its way, by the calendar.
#pragma once

#include <array>
#include <optional>

#include "engine/core/clock.h"

namespace penstock {

// Of the last attempt. Absent: it has not come so far, or it did not take that way (what was read
// before needs no extraction, what is known no embedding).
struct DocumentTimes {
  std::optional<WallTime> started;    // a worker took it
  std::optional<WallTime> extracted;  // its text is there
  std::optional<WallTime> embedded;   // the last of its vectors came
  std::optional<WallTime> stored;     // its vectors were written and counted back
  std::optional<WallTime> done;       // its outcome was recorded

  bool operator==(const DocumentTimes&) const = default;
};

// All of them, in the order of the way.
inline constexpr std::array<std::optional<WallTime> DocumentTimes::*, 5> all_document_times = {
    &DocumentTimes::started, &DocumentTimes::extracted, &DocumentTimes::embedded,
    &DocumentTimes::stored, &DocumentTimes::done};

}  // namespace penstock
