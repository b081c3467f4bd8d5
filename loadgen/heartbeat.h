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

  // The latest that it was, since it was last asked. Any thread.
  Offset lag();

 private:
  void beat();

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  Offset lag_{0};          // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock
