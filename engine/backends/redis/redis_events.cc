#include "engine/backends/redis/redis_events.h"

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "engine/backends/redis/event_text.h"
#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis_subscription.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t events_max = 16'384;
// Of a message, about 150 KB. In a cluster each message goes to every node: few large ones cost
// less than many small ones.
constexpr std::size_t events_at_once = 1'024;

}  // namespace

RedisEvents::RedisEvents(const std::string& url, const std::string& queue)
    : url_(parse_redis_url(url)),
      channel_(QueueKeys(queue).events(url_.database)),
      redis_(url, events_options),
      backlog_(events_max),
      thread_([this] { send(); }) {}

RedisEvents::~RedisEvents() {
  backlog_.close();
  thread_.join();
}

void RedisEvents::publish(const DocumentEvent& event) {
  backlog_.push(event);
}

std::unique_ptr<Subscription> RedisEvents::subscribe(
    std::function<void(const DocumentEvent&)> listener) {
  return std::make_unique<RedisSubscription>(url_, channel_, std::move(listener));
}

void RedisEvents::send() {
  Backoff pauses = pauses_between_attempts();
  for (;;) {
    const std::vector<DocumentEvent> events = backlog_.take(events_at_once);
    if (events.empty()) return;
    const std::string text = to_text(events);
    while (!redis_.run(channel_, {"PUBLISH", channel_, text}))
      if (backlog_.is_closed_within(std::chrono::ceil<milliseconds>(pauses.next()))) return;
    pauses.reset();
  }
}

}  // namespace penstock
