#include "engine/io/event_backlog.h"

#include <algorithm>
#include <iterator>

namespace penstock {

void EventBacklog::push(const DocumentEvent& event) {
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() >= events_max_) events_.pop_front();
    events_.push_back(event);
  }
  wake_.notify_one();
}

std::vector<DocumentEvent> EventBacklog::take(std::size_t most) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return closed_ || !events_.empty(); });
  const auto end = events_.begin() + static_cast<std::ptrdiff_t>(std::min(most, events_.size()));
  std::vector<DocumentEvent> taken(std::make_move_iterator(events_.begin()),
                                   std::make_move_iterator(end));
  events_.erase(events_.begin(), end);
  return taken;
}

void EventBacklog::clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

void EventBacklog::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
}

bool EventBacklog::is_closed_within(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, time, [this] { return closed_; });
}

}  // namespace penstock
