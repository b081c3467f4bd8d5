// Stops sending to an endpoint that fails, and finds out when it is back.
//
// So many failures in a row, over all keys, open it. While it is open nothing is sent but probes,
// after waits that double: tiny requests of known content, so that an input that kills whatever
// serves it is never taken for a dead endpoint. A good probe closes it.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/core/clock.h"
#include "engine/io/quota.h"
#include "engine/io/receipt.h"
#include "engine/core/backoff.h"

namespace penstock {

class Breaker {
 public:
  // After `patience` of failures without an answer it gives up.
  Breaker(Duration patience, std::uint64_t seed);

  // The answer to a granted request, and whose fault it is if it is one. Answers that were under
  // way when the breaker opened tell nothing that is new.
  Blame answered(Answer answer, TimePoint now);
  void probed(Answer answer, TimePoint now);

  bool is_open() const { return probe_at_.has_value() || is_probing_; }
  // When the next probe is to be sent; absent while closed or probing.
  std::optional<TimePoint> probe_at() const { return probe_at_; }
  void probe_sent();

  // When it gives up unless something succeeds; absent while closed.
  std::optional<TimePoint> gives_up_at() const;

 private:
  void open(TimePoint now);

  const Duration patience_;
  Backoff backoff_;
  std::uint32_t failures_in_row_ = 0;
  bool last_succeeded_ = false;
  std::optional<TimePoint> failing_since_;  // since this time nothing succeeded
  std::optional<TimePoint> probe_at_;
  bool is_probing_ = false;
};

}  // namespace penstock
