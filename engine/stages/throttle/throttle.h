// The token buckets of a service's keys, as the quota of the pipeline: dispatch.h on a real clock.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/io/quota.h"
#include "engine/io/shared_budget.h"
#include "engine/stages/throttle/dispatch.h"
#include "engine/stages/throttle/throttle_options.h"
#include "engine/stages/throttle/throttle_state.h"

namespace penstock {

class Throttle final : public Quota {
 public:
  // Sends one tiny request with the key of this index. `done` is to be called exactly once, on any
  // thread, possibly before it returns. It must not block. The destructor waits for `done`.
  using Probe = std::function<void(std::size_t key, std::function<void(const Receipt&)> done)>;

  // At least one key. With a shared budget the fleet's limits bind, and each key has both. It is
  // asked on a thread of its own, and outlives the throttle.
  Throttle(const std::vector<KeyQuota>& keys, ThrottleOptions options, Probe probe,
           SharedBudget* shared_budget = nullptr);
  // Refuses what waits, as cancelled. Not from within a callback.
  ~Throttle() override;

  // `ready` is called on whatever thread made room for the request, one at a time and with nothing
  // locked: it may call everything here.
  void reserve(std::uint64_t tokens, Lane lane, Ready ready) override;
  Blame settle(const Grant& grant, const Receipt& receipt) override;
  void stop() override;

  // Any thread.
  ThrottleState state() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  // Does what is due: decides under the lock, calls back without it.
  void advance(Lock& lock);
  void deliver(Lock& lock);
  void settle_probe(const Receipt& receipt);
  void keep_time();
  void lease();

  const Probe probe_;
  SharedBudget* const shared_budget_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;       // the thread: a time before wakes_at_, or the end
  std::condition_variable delivered_;  // the destructor: no callback is under way
  // Guarded by mutex_.
  mutable Dispatch dispatch_;
  std::unordered_map<std::uint64_t, Ready> ready_;  // of the requests that wait
  std::deque<std::function<void()>> callbacks_;
  bool is_delivering_ = false;
  bool is_probing_ = false;
  bool is_ending_ = false;
  std::optional<TimePoint> wakes_at_;  // when the thread will look again
  TimePoint rests_until_{};            // it does not before

  std::condition_variable call_;           // leasing_: a time before calls_at_, or the end
  TimePoint calls_at_ = TimePoint::max();  // when leasing_ will look again; guarded by mutex_

  std::thread thread_;
  std::thread leasing_;  // where there is a shared budget
};

}  // namespace penstock
