// What a service's answers say. Nothing is expected of them: what is missing, or of another type
// than it should be, is absent.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/http/json.h"
#include "loadgen/json_fields.h"
#include "loadgen/run_record.h"
#include "loadgen/sampler.h"

namespace penstock {

// 2026-11-28T01:02:03.456Z, of a year from 1970 to 2199: nanoseconds are counted of it.
std::optional<WallTime> wall_time_from(std::string_view text);

std::optional<WallTime> time_in(const Json& object, const char* name);

// Of an overview.
std::optional<Depth> depth_in(const Json& overview);

// Whether a document has its outcome.
bool has_ended(const Json& document);
// Its times, of which `offset_of` makes the run's, its outcome and its ending.
void take_document(Arrival& arrival, const Json& document,
                   const std::function<Offset(WallTime)>& offset_of);

// A stream of events, which comes in pieces.
class EventLines {
 public:
  // Calls `heard` with each object behind `data:` whose line ends in `piece`. An error: the line
  // has no end.
  Result<void> feed(std::string_view piece, const std::function<void(const Json&)>& heard);
  // Another stream begins.
  void clear() { unread_.clear(); }

 private:
  std::string unread_;  // behind the last whole line
};

}  // namespace penstock
