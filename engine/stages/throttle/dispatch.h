// Which request leaves next, with which key, and when. Knows no clock and no thread: it is told the
// time, so that a day can be tested in a second. One thread at a time; times never go back.
//
// The rule: requests are looked at in the order of their lanes. Each takes, of the keys that may
// send it now, the one of which the least is used; if there is none it keeps the key that may send
// it first for itself, and the next request looks among the others. So a large request that waits
// for room is not overtaken for ever by small ones, a request that does not fit a small key does
// not keep it from those behind, and no key is idle while a request waits that it may send.
//
// In a fleet the shared budget (io/shared_budget.h) keeps this rule for all processes. Then a
// request leaves when a lease for it has come, and what is left here is what only this process
// knows: its lanes, its answers, whether the endpoint and each key can be used. A lease that cannot
// be used at once is given back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/error.h"
#include "engine/core/lane.h"
#include "engine/io/quota.h"
#include "engine/io/receipt.h"
#include "engine/io/shared_budget.h"
#include "engine/stages/throttle/breaker.h"
#include "engine/stages/throttle/fleet_share.h"
#include "engine/stages/throttle/key_budget.h"
#include "engine/stages/throttle/spending.h"
#include "engine/stages/throttle/throttle_options.h"
#include "engine/stages/throttle/throttle_state.h"
#include "engine/stages/throttle/waiting_lanes.h"

namespace penstock {

class Dispatch {
 public:
  // At least one key; with both limits where a fleet keeps them.
  Dispatch(const std::vector<KeyQuota>& keys, ThrottleOptions options,
           LimitsKept limits_kept = LimitsKept::here);

  // A request that wants to be sent; advance() decides about it, some time, exactly once.
  std::uint64_t submit(std::uint64_t tokens, Lane lane);

  struct Decision {
    std::uint64_t request = 0;  // as submit() named it
    Result<Grant> grant;
  };
  struct Step {
    std::vector<Decision> decisions;
    std::optional<std::size_t> probe_key;  // send a probe with this key now
  };
  // Everything that is due. To be called after every other call, and at next_wake().
  Step advance(TimePoint now);
  // As of the last advance(): when it is to be called if nothing else happens.
  std::optional<TimePoint> next_wake() const { return next_wake_; }

  // In a fleet. As of the last advance(): when the shared budget is to be asked; absent: not yet,
  // or it is being asked. Whoever begins a call says what came of it.
  std::optional<TimePoint> call_at() const { return call_at_; }
  LeaseCall begin_call(TimePoint now);
  void answered(const Result<LeaseAnswer>& answer, TimePoint now);
  // When everything has ended: what the budget has not been told yet, and can be.
  std::optional<LeaseCall> last_call();

  Blame settle(const Grant& grant, const Receipt& receipt, TimePoint now);
  void settle_probe(const Receipt& receipt, TimePoint now);

  // Refuses everything that waits or comes, as cancelled.
  void stop();

  ThrottleState state(TimePoint now);

 private:
  struct InFlight {
    std::size_t key = 0;
    std::uint64_t tokens = 0;
    Meter::Entry entry = 0;
    TimePoint sent_at{};
    std::optional<Lease> lease;
  };
  struct Pick {
    WaitingLanes::Place place;
    std::optional<std::size_t> key;  // absent: it can never be sent
  };

  // The next one to leave, or none now.
  std::optional<Pick> pick(TimePoint now);
  std::optional<Pick> pick_by_limits(TimePoint now);
  std::optional<Pick> pick_leased(TimePoint now);
  // Whether the tokens of the next one may be paid for; else why all wait.
  bool may_spend(std::uint64_t tokens);
  bool fits_a_key(std::uint64_t tokens) const;
  std::optional<std::size_t> key_for_probe(TimePoint now);
  InFlight send(std::size_t key, std::uint64_t tokens, TimePoint now);

  bool can_use(const Lease& lease, TimePoint now);
  // What could be sent now if it was leased, first come first.
  std::vector<FleetShare::Asking> wanted() const;
  void plan_call();
  void end(const InFlight& request, const Receipt& receipt, TimePoint now);
  void advance_breaker(Step& step, TimePoint now);
  void wake_at(TimePoint at);
  void close(ErrorKind kind, std::string message);
  void close_as_spent();
  Error too_large(std::uint64_t tokens) const;

  const ThrottleOptions options_;
  std::vector<KeyBudget> keys_;
  Breaker breaker_;
  Spending spending_;

  WaitingLanes waiting_;
  std::uint64_t next_request_ = 0;
  std::unordered_map<std::uint64_t, InFlight> in_flight_;  // by ticket
  std::uint64_t next_ticket_ = 0;
  std::optional<InFlight> probe_;
  std::optional<Error> closed_;  // what everything is refused with

  std::optional<FleetShare> fleet_;  // in a fleet
  bool probe_is_due_ = false;        // and waits for a lease
  std::optional<TimePoint> call_at_;

  std::optional<TimePoint> next_wake_;
  Binding binding_ = Binding::nothing;  // of the first that waits
  ThrottleTotals totals_;
};

}  // namespace penstock
