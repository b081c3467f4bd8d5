#include "engine/backends/local/local_events.h"

#include <cstddef>
#include <thread>
#include <utility>

namespace penstock {
namespace {

// Some MB, if a listener stands still.
constexpr std::size_t events_max = 16'384;

}  // namespace

class LocalEvents::Listening final : public Subscription {
 public:
  Listening(LocalEvents& events, std::function<void(const DocumentEvent&)> listener)
      : events_(events), listener_(std::move(listener)), thread_([this] { tell(); }) {
    const std::lock_guard lock(events_.mutex_);
    events_.backlogs_.push_back(&backlog_);
  }
  ~Listening() override {
    {
      const std::lock_guard lock(events_.mutex_);
      std::erase(events_.backlogs_, &backlog_);
    }
    backlog_.clear();
    backlog_.close();
    thread_.join();
  }

 private:
  void tell() {
    for (;;) {
      const std::vector<DocumentEvent> next = backlog_.take(1);
      if (next.empty()) return;
      listener_(next.front());
    }
  }

  LocalEvents& events_;
  const std::function<void(const DocumentEvent&)> listener_;
  EventBacklog backlog_{events_max};
  std::thread thread_;  // last: uses the rest
};

void LocalEvents::publish(const DocumentEvent& event) {
  const std::lock_guard lock(mutex_);
  for (EventBacklog* const backlog : backlogs_) backlog->push(event);
}

std::unique_ptr<Subscription> LocalEvents::subscribe(
    std::function<void(const DocumentEvent&)> listener) {
  return std::make_unique<Listening>(*this, std::move(listener));
}

}  // namespace penstock
