// Ctrl-C and SIGTERM: the first asks to drain, the second ends the process at once, which is safe
// at any moment.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace penstock {

// Make one before any other thread exists: it blocks the signals for all threads and processes
// started later, so that only its own thread hears them, and no extraction process dies of a
// Ctrl-C.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Called on the first signal, on a thread of its own; at once if it has come already.
  void on_first(std::function<void()> drain);
  bool happened() const { return happened_; }
  // Until the first signal.
  void wait() const { happened_.wait(false); }

 private:
  void listen();

  std::mutex mutex_;
  std::function<void()> drain_;  // guarded by mutex_
  std::atomic<bool> happened_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace penstock
