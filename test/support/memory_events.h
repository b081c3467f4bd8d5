// Events within a test: who publishes tells every subscriber at once.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/io/events.h"

namespace penstock {

class MemoryEvents final : public Events {
 public:
  void publish(const DocumentEvent& event) override {
    const std::lock_guard lock(mutex_);
    for (const Listening* each : listening_) each->listener(event);
  }

  std::unique_ptr<Subscription> subscribe(
      std::function<void(const DocumentEvent&)> listener) override {
    return std::make_unique<Listening>(*this, std::move(listener));
  }

 private:
  struct Listening final : public Subscription {
    Listening(MemoryEvents& its_events, std::function<void(const DocumentEvent&)> its_listener)
        : events(its_events), listener(std::move(its_listener)) {
      const std::lock_guard lock(events.mutex_);
      events.listening_.push_back(this);
    }
    ~Listening() override {
      const std::lock_guard lock(events.mutex_);
      std::erase(events.listening_, this);
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

    MemoryEvents& events;
    const std::function<void(const DocumentEvent&)> listener;
  };

  std::mutex mutex_;
  std::vector<Listening*> listening_;  // guarded by mutex_
};

}  // namespace penstock
