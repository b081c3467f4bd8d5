// News of documents within one process.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/io/event_backlog.h"
#include "engine/io/events.h"

namespace penstock {

// Each listener has a thread and a backlog of its own, so that one that stands still holds up
// neither those who publish nor the others; the oldest of what it did not hear in time it never
// hears.
class LocalEvents final : public Events {
 public:
  void publish(const DocumentEvent& event) override;
  std::unique_ptr<Subscription> subscribe(
      std::function<void(const DocumentEvent&)> listener) override;

 private:
  class Listening;

  std::mutex mutex_;
  std::vector<EventBacklog*> backlogs_;  // guarded by mutex_
};

}  // namespace penstock
