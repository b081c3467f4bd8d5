// News of documents for all who share a queue in Redis: its publish and subscribe. A server or
// cluster does not keep them; who is not there does not hear them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_url.h"
#include "engine/io/event_backlog.h"
#include "engine/io/events.h"

namespace penstock {

// One thread sends what has gathered while the message before was on its way. While the server is
// slow or away the latest events are kept, some MB of them.
class RedisEvents final : public Events {
 public:
  // Throws FatalError for a URL or a queue's name that is none. Does not connect.
  RedisEvents(const std::string& url, const std::string& queue);
  // Sends what is left, unless the server is away.
  ~RedisEvents() override;

  void publish(const DocumentEvent& event) override;
  // A thread and a connection each. A listener that stands still holds up nobody else; the server
  // closes its connection when too much waits for it (client-output-buffer-limit, by default 32 MB,
  // or 8 MB for a minute), and it misses that.
  std::unique_ptr<Subscription> subscribe(
      std::function<void(const DocumentEvent&)> listener) override;

 private:
  void send();

  const RedisUrl url_;
  const std::string channel_;

  Redis redis_;  // of the thread
  EventBacklog backlog_;
  std::thread thread_;  // last: uses the rest
};

}  // namespace penstock
