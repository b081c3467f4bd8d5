// What an emulated service was used for since it began, or since POST /stats/reset.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/quota_enforcer.h"

namespace penstock {

// What became of the requests that asked the quota.
struct AnswerCounts {
  std::uint64_t inputs = 0;    // of admitted requests that were valid
  std::uint64_t answered = 0;  // 200 and intact, as far as it depends on this side
  std::uint64_t answered_inputs = 0;
  std::uint64_t answered_tokens = 0;  // what a bill would hold
  std::uint64_t refused = 0;          // 400: not valid, or poisoned
  std::uint64_t poisoned = 0;         // 500 because of a poisoned input
  std::uint64_t outage = 0;           // 503 during an outage
  std::array<std::uint64_t, fault_names.size()> faults{};
};

// Of one key, or of all that were used.
struct Usage {
  KeyLimits limits;
  Duration span{};  // from the first request of all keys to the last
  QuotaUse quota;
  AnswerCounts answers;

  // What the limits let through in that time: limit x span. A full bucket gives up to one minute's
  // limit more at the beginning.
  double requests_permitted() const;
  double tokens_permitted() const;
  // Tokens admitted of tokens_permitted(). Above 1 while the beginning weighs; absent before there
  // were two requests.
  std::optional<double> utilisation() const;
  // The same without the first minute, so without the beginning; absent before it is over.
  std::optional<double> steady_utilisation() const;
};

// Sums, but of overshoots the largest.
Usage total_of(const std::vector<std::pair<std::string, Usage>>& keys);

// The object of GET /stats; keys that were not used are left out by the caller.
std::string usage_json(const std::vector<std::pair<std::string, Usage>>& keys);

// The object of GET /stats/history: {"first_second": S, "keys": {NAME: {"requests": [...],
// "tokens": [...]}}}, where the arrays' first entry is what was admitted S seconds after the first
// request, and there is one a second.
std::string history_json(
    const std::vector<std::pair<std::string, const std::deque<QuotaSecond>*>>& keys);

}  // namespace penstock
