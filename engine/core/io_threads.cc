#include "engine/core/io_threads.h"

#include <algorithm>
#include <utility>

namespace penstock {

IoThreads::IoThreads(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

IoThreads::~IoThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void IoThreads::run(Lane lane, std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    calls_[index_of(lane)].push_back(std::move(call));
  }
  wake_.notify_one();
}

void IoThreads::wait_until_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] {
    return busy_ == 0 &&
           std::ranges::all_of(calls_, [](const auto& calls) { return calls.empty(); });
  });
}

void IoThreads::serve() {
  std::unique_lock lock(mutex_);
  const auto next = [this] {
    return std::ranges::find_if(calls_, [](const auto& calls) { return !calls.empty(); });
  };
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || next() != calls_.end(); });
    const auto calls = next();
    if (calls == calls_.end()) return;
    ++busy_;
    {
      // What it holds may call here when it goes.
      const std::function<void()> call = std::move(calls->front());
      calls->pop_front();
      lock.unlock();
      call();
    }
    lock.lock();
    --busy_;
    if (busy_ == 0 && next() == calls_.end()) idle_.notify_all();
  }
}

}  // namespace penstock
