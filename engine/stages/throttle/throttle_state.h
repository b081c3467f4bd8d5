// What a throttle does at a moment, for progress displays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/lane.h"

namespace penstock {

// What the next request waits for.
enum class Binding {
  nothing,             // nothing waits
  tokens,              // room in the minute's limit
  requests,            // the same
  retry_after,         // the provider asked for a pause
  endpoint_down,       // the service fails
  requests_in_flight,  // an answer
  budget,              // an answer, to know whether the budget of tokens has room for one more
  shared_budget,       // the fleet's budget cannot be reached
};

constexpr std::string_view name_of(Binding binding) {
  switch (binding) {
    case Binding::nothing:
      return "nothing";
    case Binding::tokens:
      return "tokens";
    case Binding::requests:
      return "requests";
    case Binding::retry_after:
      return "retry_after";
    case Binding::endpoint_down:
      return "endpoint_down";
    case Binding::requests_in_flight:
      return "requests_in_flight";
    case Binding::budget:
      return "budget";
    case Binding::shared_budget:
      return "shared_budget";
  }
  return "";
}

struct KeyState {
  std::string name;
  // In force now; absent: not known.
  std::optional<std::uint64_t> requests_per_minute;
  std::optional<std::uint64_t> tokens_per_minute;
  // Of the limits, in the last minute or since the first request: 0 to 1. Where a fleet shares
  // them, the whole fleet's use.
  double requests_utilisation = 0;
  double tokens_utilisation = 0;
  Duration paused_for{0};
  bool refused = false;  // by the provider, for good
};

struct LaneState {
  std::size_t requests = 0;  // that wait
  std::uint64_t tokens = 0;  // of those
};

struct ThrottleTotals {
  std::uint64_t requests = 0;         // granted
  std::uint64_t tokens_reserved = 0;  // by those
  std::uint64_t tokens_used = 0;      // of answered requests, as the provider counted where it said
  std::uint64_t rate_limited = 0;
  std::uint64_t failures = 0;  // of the endpoint
};

struct ThrottleState {
  std::vector<KeyState> keys;
  std::array<LaneState, all_lanes.size()> lanes;
  std::size_t requests_in_flight = 0;
  bool endpoint_down = false;
  Duration next_probe_in{0};  // where the endpoint is down
  Binding binding = Binding::nothing;
  std::string shared_budget_failure;  // why it cannot be reached; empty: it can, or there is none
  ThrottleTotals totals;
};

}  // namespace penstock
