// One budget of every API key's limits for all processes of a fleet: who wants to send a request
// leases it here first. Redis, or in tests memory.
//
// The rules are those of stages/throttle/meter.h, kept in one place for all: no window of 60 s ever
// holds more than a limit; bulk is paced, and leaves the interactive share alone; interactive
// requests are bound by the window only. Of the keys with room, the one of which the least is used
// is leased. While an interactive request of any process waits for a key, bulk ones get nothing of
// it; but of what is leased while both wait, bulk has a tenth.
//
// A lease is for one request, and must be used before it is old: the budget cannot see when the
// request leaves, so it counts each from its lease until a minute after the last moment at which it
// may have left. That is what a fleet pays: with slots and margin the minute has 60.4 s, and 99.3%
// of a quota can be used. Time is the budget's own; no clocks of machines are compared.
//
// The safe side: a lease whose answer is lost, or whose process dies, stays counted. A budget that
// lost its memory counts a full minute as used. One that cannot be reached leases nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/core/lane.h"
#include "engine/io/key_quota.h"

namespace penstock {

// A lease is used within so much of the moment before it was asked for, or not at all.
inline constexpr Duration lease_valid_for = std::chrono::milliseconds(250);
// The budget adds up what is leased within a slot, so that its memory does not depend on the number
// of requests.
inline constexpr Duration budget_slot = std::chrono::milliseconds(50);
// From the end of a slot until it no longer counts.
inline constexpr Duration budget_slot_held = limit_window + window_margin + lease_valid_for;
// A minute as the pace has to see it.
inline constexpr Duration budget_window_held = budget_slot_held + budget_slot;
// Nobody is told to ask later than that: what others give back makes room early.
inline constexpr Duration ask_again_max = std::chrono::seconds(1);
// While an interactive request is to ask again, and for so long after, its key is kept from bulk.
inline constexpr Duration interactive_grace = std::chrono::milliseconds(100);
// Bulk counts as waiting for so long after it was to ask again.
inline constexpr Duration bulk_grace = std::chrono::milliseconds(500);
inline constexpr std::uint64_t interactive_tokens_a_bulk_token = 9;

// What all processes that share a budget must agree on.
struct BudgetTerms {
  std::string endpoint;
  std::vector<KeyQuota> keys;  // at least one, each with both limits
  double interactive_share = 0;
};

struct Wish {
  std::uint64_t tokens = 0;
  Lane lane = Lane::bulk;
};

struct Lease {
  std::size_t wish = 0;  // index in the call
  std::size_t key = 0;
  std::uint64_t tokens = 0;
  std::uint64_t slot = 0;    // where the budget counts it
  std::uint64_t memory = 0;  // which of the memories that it has had counts it
  TimePoint valid_until{};
};

// How a lease ended, if not as leased.
struct LeaseEnd {
  Lease lease;
  std::uint64_t tokens = 0;  // that the provider counted
  bool sent = true;          // false: given back unused
  Duration late{0};          // the request left so long after valid_until
};

// What a provider said of a key to one process, for all.
struct KeyReport {
  std::size_t key = 0;
  Duration pause{0};  // send nothing before it has passed
  // Of a minute, if below what is configured; 0: not said.
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
};

struct LeaseCall {
  std::vector<Wish> wishes;  // in the order in which they are to be granted
  std::vector<bool> usable;  // one a key: this process may send with it
  std::vector<LeaseEnd> ends;
  std::vector<KeyReport> reports;
};

// What a wish waits for.
enum class Scarce { tokens, requests, pause };

struct Denial {
  Duration ask_again_in{0};
  Scarce what = Scarce::tokens;
};

// A key as the whole fleet uses it.
struct KeyUse {
  std::uint64_t requests_per_minute = 0;  // in force
  std::uint64_t tokens_per_minute = 0;
  std::uint64_t requests = 0;  // that count now
  std::uint64_t tokens = 0;
  Duration paused_for{0};  // as the provider asked
};

struct LeaseAnswer {
  std::vector<Lease> leases;
  // Of the first of each lane that got nothing.
  std::array<std::optional<Denial>, all_lanes.size()> denials;
  std::vector<KeyUse> keys;
};

// What a fleet uses of a budget, to who is not of the fleet.
struct BudgetUse {
  BudgetTerms terms;
  std::vector<KeyUse> keys;
};

// One process's access to the budget. One thread at a time.
class SharedBudget {
 public:
  virtual ~SharedBudget() = default;

  // That by which its processes find it.
  virtual std::string name() const = 0;

  // Ends and reports are taken into account before wishes. Blocks. A retryable error: the budget
  // cannot be reached, and the call may have been carried out or not; a permanent one: processes do
  // not agree on the terms.
  virtual Result<LeaseAnswer> lease(const LeaseCall& call) = 0;
};

}  // namespace penstock
