// One process's side of a budget that a fleet shares: when it is to be asked, and what is to be
// told with the next question. Knows no clock and no thread, like dispatch.h, which owns it.
//
// Calls are few: a process with nothing that waits makes none, all that waits asks together, and
// who got nothing comes back when it was told to, spread by jitter, so that those who wait for the
// same room do not come at once. Bulk may come late: the budget's pace catches up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/core/backoff.h"
#include "engine/core/clock.h"
#include "engine/core/lane.h"
#include "engine/io/shared_budget.h"
#include "engine/stages/throttle/throttle_state.h"

namespace penstock {

class FleetShare {
 public:
  // Processes of a fleet differ in the seed.
  explicit FleetShare(std::uint64_t seed);

  // A request that waits for a lease, by the name that its owner gave it.
  struct Asking {
    std::uint64_t request = 0;
    Wish wish;
  };

  // When to ask, if requests wait in these lanes; absent: nothing is to be asked or told, or a call
  // is under way.
  std::optional<TimePoint> call_at(const std::array<bool, all_lanes.size()>& waits) const;
  // Whether a request of the lane may be asked for again.
  bool may_ask(Lane lane, TimePoint now) const { return may_ask_at_[index_of(lane)] <= now; }
  bool is_calling() const { return is_calling_; }
  // Something has not been told yet.
  bool has_news() const { return !ends_.empty(); }

  // The call that is made now, and how it ended.
  LeaseCall begin(const std::vector<Asking>& asking);
  void answered(const Result<LeaseAnswer>& answer, TimePoint now);

  // Leases that have come: for a request, if it has one, and to be used by it.
  const Lease* find(std::uint64_t request) const;
  Lease take(std::uint64_t request);
  bool has_leases() const { return !leases_.empty(); }
  void give_back_leases(TimePoint now);

  // What the next call tells.
  void ended(const LeaseEnd& end, TimePoint now);

  // What a request that has no lease waits for.
  Binding binding(Lane lane) const;
  // Why the budget cannot be reached; empty: it can.
  const std::string& failure() const { return failure_; }

 private:
  Duration jitter(Duration longest);

  std::unordered_map<std::uint64_t, Lease> leases_;  // by request
  std::vector<LeaseEnd> ends_;                       // to be told
  std::vector<LeaseEnd> told_;                       // in the call under way
  std::optional<TimePoint> tell_at_;
  bool is_calling_ = false;
  std::vector<Asking> asked_;  // by that call
  TimePoint rests_until_{};
  TimePoint retry_at_{};
  std::array<TimePoint, all_lanes.size()> may_ask_at_{};
  std::array<Binding, all_lanes.size()> bindings_{Binding::tokens, Binding::tokens};
  std::string failure_;
  Backoff backoff_;
  std::mt19937_64 random_;
};

}  // namespace penstock
