// News of documents on their way, for who watches. In one process: told at once. A fleet's: Redis'
// publish and subscribe.
//
// Best effort: an event may be lost, or come twice, and nothing may depend on one. The truth is in
// catalog, broker and ledger; events only say when to look there, and what to show until then.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/clock.h"
#include "engine/core/lane.h"
#include "engine/core/outcome.h"

namespace penstock {

enum class Milestone { received, queued, started, extracted, embedded, stored, done };

constexpr std::string_view name_of(Milestone milestone) {
  constexpr std::string_view names[] = {"received", "queued", "started", "extracted",
                                        "embedded", "stored", "done"};
  return names[static_cast<std::size_t>(milestone)];
}

struct DocumentEvent {
  std::string key;  // of its claim
  Milestone milestone = Milestone::received;
  Lane lane = Lane::bulk;
  WallTime at{};
  std::optional<Outcome> outcome;  // when it is done
  std::string message;             // likewise
};

// Ends with its destruction, which waits for a call that is under way: never destroyed within one.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class Events {
 public:
  virtual ~Events() = default;

  // Never blocks: what cannot be sent in time is dropped. Any thread.
  virtual void publish(const DocumentEvent& event) = 0;

  // `listener` is called for each event, one at a time, and must not block. Those published after
  // this returned are heard, while the server is there. The events outlive the subscription.
  virtual std::unique_ptr<Subscription> subscribe(
      std::function<void(const DocumentEvent&)> listener) = 0;
};

}  // namespace penstock
