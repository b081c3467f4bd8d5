// One limit of one API key: so many requests, or so many tokens, a minute. Two rules together use
// the whole of it and never exceed it.
//
// The window: an exact log of what was sent in the last 60 seconds. Nothing is sent that would make
// its sum exceed the limit, so no window of 60 seconds ever does, wherever it begins. Requests may
// arrive closer together than they were sent; the log therefore remembers `window_margin` longer.
// A provider that refills a bucket of the limit's size continuously is content with that, too:
// where every window holds at most L, a span of T holds at most ceil(T / 60 s) * L <= L + T *
// L/60s.
//
// The pace: credit that refills at the window's rate and is paid afterwards: a request may leave
// when the credit is not negative, and then takes its whole cost. It keeps the requests apart, so
// that the log does not fill in a second and then wait for 59. Credit is worth at most `burst_max`
// of refill: what a short pause missed is caught up.
//
// Arithmetic: the pace is kept as the time at which the credit is zero again, in whole nanoseconds,
// and each cost is rounded up to one. So nothing drifts: an error is below 1 ns a request, always
// towards waiting, 0.3 s in a day of 200,000 requests a minute. Amounts and sums are integers.
//
// Memory: 32 bytes a request of the last minute. The limits bound it, or where none is known, the
// requests in flight over their latency.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "engine/core/clock.h"
#include "engine/io/key_quota.h"

namespace penstock {

inline constexpr Duration window_held = limit_window + window_margin;

// Times given to a meter never go back.
class Meter {
 public:
  using Entry = std::uint64_t;  // counts what was sent, from 0

  // `reserve` is the part of the limit (0 to 1) that only those may use who ask for all of it.
  explicit Meter(double reserve = 0) : reserve_(reserve) {}

  // `ceiling` is the limit, absent if it is not known: then nothing is held back. `part` of it is
  // in force (0 to 1).
  void set_limit(std::optional<std::uint64_t> ceiling, double part = 1);
  std::optional<std::uint64_t> limit() const { return in_force_; }
  std::optional<std::uint64_t> ceiling() const { return ceiling_; }

  // Whether so much can be sent at all, some time.
  bool fits(std::uint64_t amount) const { return !ceiling_ || amount <= *ceiling_; }

  enum class Share {
    all,           // of the limit, and without pacing: somebody waits
    but_reserved,  // paced, and the reserve is left alone
  };
  // The first time, from `now` on, at which `amount`, which fits, may be sent if nothing else is.
  TimePoint next(std::uint64_t amount, Share share, TimePoint now);
  Entry add(std::uint64_t amount, TimePoint now);

  // The entry left later than it was added: from then on it counts for a minute.
  void left_at(Entry entry, TimePoint at);
  // The provider counted the entry differently.
  void reconcile(Entry entry, std::uint64_t amount);
  // The provider's answer to this entry, perhaps a refusal, said that so much was left. If that is
  // less than we know of, somebody else uses the key: then only what is left may be sent, less what
  // was sent since, and what refills. The other one takes of that, too: how much, refusals tell.
  void provider_has_left(Entry entry, std::uint64_t left, bool refused, TimePoint now);

  // Sent in the last minute.
  std::uint64_t used(TimePoint now);
  // The same as a part of the limit, or as long as nothing is a minute old, of that shorter time's.
  double utilisation(TimePoint now);

 private:
  struct Sent {
    TimePoint at;
    std::uint64_t amount;
    std::uint64_t used_after;   // the log's sum with this one
    std::uint64_t added_after;  // of all time
  };
  struct ProviderView {
    Entry entry;  // whose answer it was
    TimePoint at;
    std::uint64_t left;
    std::uint64_t added_before;  // of all time, up to the entry
  };

  void expire(TimePoint now);
  const Sent* find(Entry entry) const;
  std::uint64_t reserved() const;
  // What the pace refills in a minute.
  double paced_limit() const;
  // How long a limit takes to refill so much.
  static Duration refill_time(std::uint64_t amount, double limit);

  const double reserve_;
  std::optional<std::uint64_t> ceiling_;
  std::optional<std::uint64_t> in_force_;

  std::deque<Sent> log_;
  Entry first_in_log_ = 0;
  std::uint64_t used_ = 0;   // the log's sum
  std::uint64_t added_ = 0;  // of all time, as added
  std::optional<TimePoint> first_at_;
  std::optional<TimePoint> credit_zero_at_;  // absent: nothing was sent yet
  std::optional<ProviderView> provider_view_;
  double refill_for_us_ = 1;  // the part of the refill that others leave
};

}  // namespace penstock
