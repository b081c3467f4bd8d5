#include "engine/backends/redis/redis_subscription.h"

#include <algorithm>
#include <utility>

#include "engine/backends/redis/event_text.h"
#include "engine/backends/redis/slot_map.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

// How long its end may take to be noticed.
constexpr milliseconds wait_at_most(50);

}  // namespace

RedisSubscription::RedisSubscription(RedisUrl url, std::string channel, Listener listener)
    : url_(std::move(url)),
      channel_(std::move(channel)),
      listener_(std::move(listener)),
      nodes_(url_.nodes),
      thread_([this] { run(); }) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return tried_; });
}

RedisSubscription::~RedisSubscription() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RedisSubscription::run() {
  Backoff pauses = pauses_between_attempts();
  do {
    const Result<std::unique_ptr<RedisConnection>> connection = subscribe();
    {
      const std::lock_guard lock(mutex_);
      tried_ = true;
    }
    changed_.notify_all();
    if (!connection) continue;
    pauses.reset();
    listen(**connection);
  } while (!ends_within(std::chrono::ceil<milliseconds>(pauses.next())));
}

Result<std::unique_ptr<RedisConnection>> RedisSubscription::subscribe() {
  Error last;
  for (std::size_t tries = nodes_.size(); tries > 0 && !is_ending(); --tries) {
    auto connection = subscribe_at(nodes_.front());
    if (connection) return connection;
    last = connection.error();
    std::ranges::rotate(nodes_, nodes_.begin() + 1);
  }
  return pass_on(last);
}

Result<std::unique_ptr<RedisConnection>> RedisSubscription::subscribe_at(const RedisAddress& node) {
  auto connection = RedisConnection::open(url_, node, events_options);
  if (!connection) return connection;
  if (url_.cluster) {
    // Those of the URL may be gone some day.
    const Result<RedisReply> slots = (*connection)->ask({"CLUSTER", "SLOTS"});
    if (!slots) return pass_on(slots.error());
    SlotMap map;
    if (map.read(*slots, node))
      for (const RedisAddress& other : map.nodes())
        if (std::ranges::find(nodes_, other) == nodes_.end()) nodes_.push_back(other);
  }
  const Result<RedisReply> answer = (*connection)->ask({"SUBSCRIBE", channel_});
  if (!answer) return pass_on(answer.error());
  if (answer->kind == RedisReply::Kind::error)
    return permanent_error(node.text() + ": refuses to subscribe: " + answer->text);
  return connection;
}

void RedisSubscription::listen(RedisConnection& connection) {
  while (!is_ending()) {
    const Result<std::optional<RedisReply>> pushed = connection.read_within(wait_at_most);
    if (!pushed) return;
    if (!*pushed) continue;
    const std::vector<RedisReply>& parts = (*pushed)->elements;  // "message", channel, text
    if (parts.size() != 3 || parts[0].text != "message") continue;
    for (const DocumentEvent& event : parse_events(parts[2].text)) {
      if (is_ending()) return;
      listener_(event);
    }
  }
}

bool RedisSubscription::is_ending() {
  const std::lock_guard lock(mutex_);
  return ending_;
}

bool RedisSubscription::ends_within(milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return ending_; });
}

}  // namespace penstock
