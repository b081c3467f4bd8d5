// Threads for calls that block on a disk or a network, so that none ever sits on a TBB worker.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock {

class IoThreads {
 public:
  explicit IoThreads(std::size_t threads);
  // Runs what is queued, then joins.
  ~IoThreads();

  // Without bound: `admit` bounds what can be queued here. The call must not throw. Any thread.
  void run(std::function<void()> call);

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<std::function<void()>> calls_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace penstock
