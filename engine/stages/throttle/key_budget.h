// What one API key may send, and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/core/backoff.h"
#include "engine/core/clock.h"
#include "engine/io/key_quota.h"
#include "engine/io/receipt.h"
#include "engine/io/shared_budget.h"
#include "engine/stages/throttle/meter.h"
#include "engine/stages/throttle/throttle_options.h"
#include "engine/stages/throttle/throttle_state.h"

namespace penstock {

// The first time at which a request may be sent with a key, and what it waits for until then.
struct Turn {
  TimePoint at;  // TimePoint::max(): after some answer
  Binding waits_for = Binding::nothing;
};

// Who keeps a key's limits.
enum class LimitsKept {
  here,
  by_fleet,  // in a shared budget: here they bind nothing, and what the provider says is passed on
};

class KeyBudget {
 public:
  KeyBudget(KeyQuota configured, double interactive_share, std::uint64_t seed,
            LimitsKept limits_kept = LimitsKept::here);

  const std::string& name() const { return configured_.name; }
  bool is_refused() const { return refused_; }
  // Whether a request of so many tokens can be sent with this key at all, some time.
  bool fits(std::uint64_t tokens) const { return !refused_ && tokens_.fits(tokens); }
  std::optional<std::uint64_t> tokens_max() const { return tokens_.ceiling(); }

  // For tokens that fit.
  Turn next(std::uint64_t tokens, Meter::Share share, TimePoint now);
  Meter::Entry add(std::uint64_t tokens, TimePoint now);
  // The answer to the request of this entry, which was sent at that time.
  void settle(Meter::Entry entry, TimePoint sent_at, const Receipt& receipt, TimePoint now);

  // For the fleet: what the provider said that others have to know, where it did.
  std::optional<KeyReport> report(std::size_t key, TimePoint now);
  // From the fleet.
  void used_by_fleet(const KeyUse& use) { fleet_use_ = use; }

  // How much of the key is used: of two keys that may send, the one with less is to.
  double load(TimePoint now);
  KeyState state(TimePoint now);

 private:
  std::size_t in_flight_max() const;
  void learn_limits(const ProviderLimits& limits);
  void rate_limited(TimePoint sent_at, const ProviderLimits& limits, TimePoint now);
  void count_answer(bool unexplained_refusal, TimePoint now);
  void recover(TimePoint now);
  void apply_limits();
  void pause_until(TimePoint until);

  const KeyQuota configured_;
  const LimitsKept limits_kept_;
  Meter requests_;
  Meter tokens_;
  ProviderLimits provider_;  // the limits that it said last
  bool refused_ = false;
  std::optional<KeyUse> fleet_use_;

  std::size_t in_flight_ = 0;
  std::size_t answers_since_refusal_ = 0;  // good ones, since a 429

  // No request before paused_until_. The backoff goes on when a request that was sent after
  // backoff_since_ is refused, too: those that were under way together are one event.
  std::optional<TimePoint> paused_until_;
  bool pause_is_news_ = false;  // for the fleet
  std::optional<TimePoint> backoff_since_;
  Backoff backoff_;

  // The part of the limits in force. It falls when a provider that does not say why refuses often.
  double part_ = 1;
  TimePoint part_changed_at_{};
  std::uint32_t recent_refusals_ = 0;  // a bit an answer, the last in bit 0: unexplained 429s
};

}  // namespace penstock
