// Whether this process gets the CPU when it needs it: a thread that wakes up a hundred times a
// second and looks how late it is.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "loadgen/run_record.h"

namespace penstock {

class Heartbeat {
 public:
  Heartbeat();
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  struct Lateness {
    Offset most{0};
    Offset sum{0};
  };
  // Since it was last asked. Any thread.
  Lateness lateness();

 private:
  void beat();

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  Lateness lateness_;      // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock
