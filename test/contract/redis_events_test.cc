// Events on a real server and a real cluster: the contract, and what is Redis's own.
#include "engine/backends/redis/redis_events.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis.h"
#include "engine/backends/redis/redis_url.h"
#include "test/contract/events_contract.h"
#include "test/support/catch.h"
#include "test/support/heard_events.h"
#include "test/support/private_redis.h"
#include "test/support/test_redis.h"

namespace penstock {
namespace {

constexpr const char* server = "PENSTOCK_TEST_REDIS";
constexpr const char* cluster = "PENSTOCK_TEST_REDIS_CLUSTER";

// Publishes until one of it is heard: a listener takes some time to come back.
void publish_until_heard(Events& events, const HeardEvents& heard, const std::string& name) {
  for (int i = 0;; ++i) {
    const std::vector<std::string> keys = heard.keys();
    if (!keys.empty() && keys.back().starts_with(name)) return;
    events.publish(event_of(name + std::to_string(i)));
    std::this_thread::yield();
  }
}

TEST_CASE("redis events: keep the contract on one server") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  const std::string queue = unique_name();
  RedisEvents publisher(*url, queue);
  RedisEvents watcher(*url, queue);
  run_events_contract(publisher, watcher);
}

TEST_CASE("redis events: keep the contract on a cluster") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  const std::string queue = unique_name();
  RedisEvents publisher(*url, queue);
  RedisEvents watcher(*url, queue);
  run_events_contract(publisher, watcher);
}

TEST_CASE("redis events: whichever node of a cluster is listened to hears them") {
  const auto url = redis_for_tests(cluster);
  if (!url) return;
  const std::string queue = unique_name();
  RedisEvents publisher(*url, queue);
  for (const RedisAddress& node : parse_redis_url(*url).nodes) {
    // The first of them is down.
    RedisEvents watcher("redis+cluster://127.0.0.1:1," + node.text(), queue);
    HeardEvents heard;
    const auto subscription = watcher.subscribe(heard.listener());
    publisher.publish(event_of(node.text()));
    heard.wait_for(node.text());
  }
}

TEST_CASE("redis events: queues and databases are apart") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  const std::string queue = unique_name();
  RedisEvents events(*url, queue);
  RedisEvents other_queue(*url, queue + "-other");
  RedisEvents other_database("redis://" + parse_redis_url(*url).nodes.front().text() + "/1", queue);
  HeardEvents heard;
  HeardEvents heard_in_other;
  const auto subscription = events.subscribe(heard.listener());
  const auto in_other = other_database.subscribe(heard_in_other.listener());
  other_queue.publish(event_of("queue"));
  other_database.publish(event_of("database"));
  heard_in_other.wait_for("database");
  events.publish(event_of("a"));
  heard.wait_for("a");
  CHECK(heard.keys() == std::vector<std::string>{"a"});
}

TEST_CASE("redis events: what is left is sent before the end") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  const std::string queue = unique_name();
  RedisEvents watcher(*url, queue);
  HeardEvents heard;
  const auto subscription = watcher.subscribe(heard.listener());
  {
    RedisEvents publisher(*url, queue);
    for (int i = 1; i <= 5'000; ++i) publisher.publish(event_of(std::to_string(i)));
  }
  heard.wait_for("5000");
  CHECK(heard.keys().size() == 5'000);
}

TEST_CASE("redis events: what is none is passed over") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  const std::string queue = unique_name();
  const std::string channel = QueueKeys(queue).events(0);
  RedisEvents events(*url, queue);
  HeardEvents heard;
  const auto subscription = events.subscribe(heard.listener());
  Redis redis(*url);
  const std::string known = "key b\nmilestone queued\nlane bulk\nat_ms 1\n";
  for (const std::string& text : {std::string(), std::string("{}"), std::string("key a\n\n"),
                                  std::string(1 << 20, '\n'), "colour blue\n" + known + "\n"}) {
    const auto listeners = redis.run(channel, {"PUBLISH", channel, text});
    REQUIRE(listeners.has_value());
    CHECK(listeners->integer == 1);
  }
  heard.wait_for("b");
  CHECK(heard.keys() == std::vector<std::string>{"b"});
}

TEST_CASE("redis events: who lost its connection listens again") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  PrivateRedis own;
  RedisEvents publisher(own.url(), "default");
  RedisEvents watcher(own.url(), "default");
  HeardEvents heard;
  const auto subscription = watcher.subscribe(heard.listener());
  Redis redis(own.url());
  REQUIRE(redis.run("", {"CLIENT", "KILL", "TYPE", "pubsub"}).value().integer == 1);
  publish_until_heard(publisher, heard, "after");
}

TEST_CASE("redis events: a server that was away is used again when it is back") {
  if (!redis_for_tests(server)) return;
  PrivateRedis redis;
  RedisEvents publisher(redis.url(), "default");
  RedisEvents watcher(redis.url(), "default");
  HeardEvents heard;
  HeardEvents heard_later;
  const auto subscription = watcher.subscribe(heard.listener());
  publish_until_heard(publisher, heard, "before");
  redis.kill();
  for (int i = 0; i < 100'000; ++i) publisher.publish(event_of("while it is away"));
  const auto later = watcher.subscribe(heard_later.listener());
  redis.start();
  publish_until_heard(publisher, heard, "after");
  publish_until_heard(publisher, heard_later, "later");
}

TEST_CASE("redis events: a server that is away does not hold up an end") {
  if (!redis_for_tests(server)) return;
  RedisEvents events("redis://127.0.0.1:1", "default");
  const auto subscription = events.subscribe([](const DocumentEvent&) {});
  events.publish(event_of("a"));
}

TEST_CASE("redis events: a URL or a queue that is none is refused") {
  CHECK_THROWS_AS(RedisEvents("redis://", "default"), FatalError);
  CHECK_THROWS_AS(RedisEvents("redis://127.0.0.1", "a{b}"), FatalError);
}

}  // namespace
}  // namespace penstock
