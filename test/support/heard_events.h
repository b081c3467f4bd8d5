// A listener that remembers what it heard.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/io/events.h"

namespace penstock {

class HeardEvents {
 public:
  // Which lives no longer than this.
  std::function<void(const DocumentEvent&)> listener() {
    return [this](const DocumentEvent& event) {
      {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
      }
      changed_.notify_all();
    };
  }

  std::vector<DocumentEvent> all() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (const DocumentEvent& event : all()) keys.push_back(event.key);
    return keys;
  }

  // Waits until there are so many.
  void wait_for(std::size_t count) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return events_.size() >= count; });
  }
  // Waits until it has heard of this document.
  void wait_for(const std::string& key) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !events_.empty() && events_.back().key == key; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<DocumentEvent> events_;  // guarded by mutex_
};

// Of a document that only has a key.
inline DocumentEvent event_of(const std::string& key) {
  DocumentEvent event;
  event.key = key;
  return event;
}

}  // namespace penstock
