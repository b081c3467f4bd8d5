// Events between those who publish and the one thread that tells them on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "engine/io/events.h"

namespace penstock {

// Any thread.
class EventBacklog {
 public:
  // Of more events than so many the oldest are dropped: they matter least, and whoever publishes
  // never waits.
  explicit EventBacklog(std::size_t events_max) : events_max_(events_max) {}

  void push(const DocumentEvent& event);

  // What has gathered, at most so many, the oldest first. Waits until there is something; empty
  // when nothing is left after close().
  std::vector<DocumentEvent> take(std::size_t most);

  void clear();
  // Nothing comes any more.
  void close();
  // Waits for close() so long; whether it was called.
  bool is_closed_within(std::chrono::milliseconds time);

 private:
  const std::size_t events_max_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<DocumentEvent> events_;
  bool closed_ = false;
};

}  // namespace penstock
