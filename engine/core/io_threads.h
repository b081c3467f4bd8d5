// Threads for calls that block on a disk or a network, so that none ever sits on a TBB worker.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/core/lane.h"

namespace penstock {

class IoThreads {
 public:
  explicit IoThreads(std::size_t threads);
  // Runs what is queued, then joins.
  ~IoThreads();

  // Interactive calls go first. Without bound: who calls has a bound of its own, as `admit` and a
  // server's connections are. The call must not throw. Any thread.
  void run(Lane lane, std::function<void()> call);

  // Until nothing is queued or runs any more. Any thread but these.
  void wait_until_idle();

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::array<std::deque<std::function<void()>>, all_lanes.size()> calls_;  // by lane
  std::size_t busy_ = 0;                                                   // threads
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace penstock
