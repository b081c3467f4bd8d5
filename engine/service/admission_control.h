// Whether an upload is taken, or told to come back: a queue that only grows helps nobody.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "engine/core/lane.h"
#include "engine/io/broker.h"
#include "engine/service/metrics.h"
#include "engine/service/problem.h"

namespace penstock {

// Of each lane by itself: a flood of bulk work closes nobody's interactive lane.
struct AdmissionLimits {
  std::uint64_t interactive_depth = 5'000;  // documents that wait
  std::uint64_t bulk_depth = 500'000;
  // The oldest of them. Bulk may wait as long as it takes.
  std::chrono::seconds interactive_age{600};
};

class AdmissionControl {
 public:
  explicit AdmissionControl(AdmissionLimits limits) : limits_(limits) {}

  // What the queue looks like now, as far as that is known; `unqueued` documents were taken and are
  // not in it, of whatever lane; `per_second` is how fast documents are done, of all lanes. Any
  // thread, as admit().
  void see(const BrokerState& queue, std::uint64_t unqueued, double per_second);

  struct Refusal {
    Problem problem;
    Rejection reason = Rejection::depth;
  };
  // Absent: a document would be taken.
  std::optional<Refusal> look(Lane lane);
  // Takes one; likewise. Between two calls of see(), what was admitted counts as waiting.
  std::optional<Refusal> admit(Lane lane);

 private:
  std::optional<Refusal> refusal(Lane lane) const;  // with mutex_ held

  const AdmissionLimits limits_;
  std::mutex mutex_;
  // Guarded by mutex_.
  BrokerState queue_;
  std::uint64_t unqueued_ = 0;
  double per_second_ = 0;
  std::array<std::uint64_t, all_lanes.size()> admitted_{};
};

}  // namespace penstock
