// The broker on a real server and a real cluster: the contract, and what is Redis's own.
#include "engine/backends/redis/redis_broker.h"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/redis/queue_keys.h"
#include "engine/backends/redis/redis.h"
#include "test/contract/broker_contract.h"
#include "test/support/catch.h"
#include "test/support/private_redis.h"
#include "test/support/test_redis.h"

namespace penstock {
namespace {

constexpr const char* server = "PENSTOCK_TEST_REDIS";
constexpr const char* cluster = "PENSTOCK_TEST_REDIS_CLUSTER";

RedisReply must(Result<RedisReply> reply) {
  if (!reply) FAIL(reply.error().message);
  return std::move(*reply);
}

// A queue that no other run uses, gone at the end.
class Queue {
 public:
  explicit Queue(const std::string& url) : url_(url), keys_(name_), redis_(url) {}
  ~Queue() {
    for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
      for (const std::string& key : keys_.of_shard(shard))
        static_cast<void>(redis_.run(key, {"DEL", key}));
    static_cast<void>(redis_.run(keys_.workers(), {"DEL", keys_.workers()}));
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  std::unique_ptr<RedisBroker> open(BrokerOptions options) const {
    options.queue = name_;
    return std::make_unique<RedisBroker>(url_, std::move(options));
  }
  std::unique_ptr<RedisBroker> open(const std::string& worker) const {
    BrokerOptions options;
    options.worker = worker;
    options.lease = std::chrono::minutes(30);
    return open(options);
  }

  // As if no lease had been renewed for hours.
  void end_leases() {
    for_each_stream([&](const std::string& stream) {
      for (const RedisReply& lease :
           must(redis_.run(stream, {"XPENDING", stream, "workers", "-", "+", "1000"})).elements)
        must(redis_.run(stream, {"XCLAIM", stream, "workers", lease.elements.at(1).text, "0",
                                 lease.elements.at(0).text, "IDLE", "36000000", "JUSTID"}));
    });
  }
  void end_delays() {
    for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
      for (const std::size_t delayed : {4, 5}) {
        const std::string& key = keys_.of_shard(shard).at(delayed);
        for (const RedisReply& document :
             must(redis_.run(key, {"ZRANGE", key, "0", "-1"})).elements)
          must(redis_.run(key, {"ZADD", key, "0", document.text}));
      }
  }
  // Of streams that were claimed from.
  void for_each_stream(const std::function<void(const std::string&)>& visit) {
    for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
      for (const std::size_t stream : {2, 3}) {
        const std::string& key = keys_.of_shard(shard).at(stream);
        if (const auto groups = redis_.run(key, {"XINFO", "GROUPS", key});
            groups && !groups->elements.empty())
          visit(key);
      }
  }
  Redis& redis() { return redis_; }

 private:
  const std::string url_;
  const std::string name_ = unique_name();
  const QueueKeys keys_;
  Redis redis_;
};

void run_contract(const std::string& url) {
  Queue queue(url);
  run_broker_contract({
      [&](const BrokerOptions& options) { return queue.open(options); },
      [&] { queue.end_leases(); },
      [&] { queue.end_delays(); },
  });
}

Claim document(const std::string& key, std::int64_t revision = 1) {
  return {key, "/at/" + key, {}, {10, revision, revision}};
}

Enqueued enqueue_one(Broker& broker, const Claim& claim, Lane lane = Lane::bulk) {
  const auto enqueued = broker.enqueue({&claim, 1}, lane);
  if (!enqueued) FAIL(enqueued.error().message);
  return enqueued->front();
}

BrokerState state_of(Broker& broker) {
  const auto state = broker.state();
  if (!state) FAIL(state.error().message);
  return *state;
}

// What is acknowledged or given back takes effect some time.
void wait_for(Broker& broker, const std::function<bool(const BrokerState&)>& holds) {
  while (!holds(state_of(broker))) std::this_thread::yield();
}

bool bulk_is_empty(const BrokerState& state) {
  return state.bulk.waiting + state.bulk.leased + state.bulk.delayed == 0;
}

TEST_CASE("redis broker: keeps the contract on one server") {
  if (const auto url = redis_for_tests(server)) run_contract(*url);
}

TEST_CASE("redis broker: keeps the contract on a cluster") {
  if (const auto url = redis_for_tests(cluster)) run_contract(*url);
}

TEST_CASE("redis broker: a dead worker's document goes before those that were fetched") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  BrokerOptions options;
  options.worker = "w";
  options.lease = std::chrono::milliseconds(1);  // looks at every claim
  const auto worker = queue.open(options);
  std::vector<Claim> documents;
  for (int i = 0; i < 100; ++i) documents.push_back(document(std::to_string(i)));
  REQUIRE(worker->enqueue(documents, Lane::bulk));
  // One by one at first, then sixteen at once, of which eleven are not claimed yet.
  for (int i = 0; i < 20; ++i) REQUIRE_FALSE(worker->queue(Lane::bulk).claim()->again);
  {
    const auto doomed = queue.open("doomed");
    enqueue_one(*doomed, document("last"));
    while (doomed->queue(Lane::bulk).claim()->key != "last") {
    }
  }
  queue.end_leases();
  CHECK(worker->queue(Lane::bulk).claim()->again);
}

TEST_CASE("redis broker: many documents of a dead worker are taken over without a pause") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  std::vector<Claim> documents;
  for (int i = 0; i < 200; ++i) documents.push_back(document(std::to_string(i)));
  {
    const auto doomed = queue.open("doomed");
    REQUIRE(doomed->enqueue(documents, Lane::bulk));
    for (int i = 0; i < 200; ++i) REQUIRE(doomed->queue(Lane::bulk).claim());
  }
  queue.end_leases();
  const auto other = queue.open("other");  // with a lease of half an hour: looks next in minutes
  std::set<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.insert(other->queue(Lane::bulk).claim().value().key);
  CHECK(keys.size() == 200);
}

TEST_CASE("redis broker: an answer that got lost costs no attempt") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  BrokerOptions options;
  options.worker = "w";
  options.lease = std::chrono::milliseconds(300);  // the worker is to look again soon
  const auto broker = queue.open(options);
  enqueue_one(*broker, document("a"));
  REQUIRE(broker->queue(Lane::bulk).claim());
  std::string consumer;
  queue.for_each_stream([&](const std::string& stream) {
    for (const RedisReply& each :
         must(queue.redis().run(stream, {"XINFO", "CONSUMERS", stream, "workers"})).elements)
      consumer = each.elements.at(1).text;
  });
  enqueue_one(*broker, document("b"));
  // Redis hands it to the worker, which does not hear of it.
  queue.for_each_stream([&](const std::string& stream) {
    must(queue.redis().run(stream,
                           {"XREADGROUP", "GROUP", "workers", consumer, "STREAMS", stream, ">"}));
  });
  const auto claim = broker->queue(Lane::bulk).claim();
  REQUIRE(claim);
  CHECK(claim->key == "b");
  CHECK_FALSE(claim->again);
}

TEST_CASE("redis broker: who ends says first what it has done") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  std::vector<Claim> documents;  // more than one script takes
  for (int i = 0; i < 2'000; ++i) documents.push_back(document(std::to_string(i)));
  auto broker = queue.open("w");
  REQUIRE(broker->enqueue(documents, Lane::bulk));
  std::vector<Claim> claims;
  for (int i = 0; i < 2'000; ++i) claims.push_back(broker->queue(Lane::bulk).claim().value());
  for (const Claim& claim : claims) broker->queue(Lane::bulk).acknowledge(claim, Outcome::done, {});
  broker.reset();
  CHECK(bulk_is_empty(state_of(*queue.open(BrokerOptions()))));
}

TEST_CASE("redis broker: depth is right after an entry was deleted unread") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  const auto broker = queue.open("w");
  enqueue_one(*broker, document("read"));
  REQUIRE(broker->queue(Lane::bulk).claim());  // there is a group now
  enqueue_one(*broker, document("a", 1));
  CHECK(enqueue_one(*broker, document("a", 2), Lane::interactive) == Enqueued::replaced);
  const BrokerState state = state_of(*broker);
  CHECK(state.bulk.waiting == 0);
  CHECK(state.bulk.leased == 1);
  CHECK(state.interactive.waiting == 1);
  CHECK(broker->queue(Lane::interactive).claim().value().stamp == document("a", 2).stamp);
}

TEST_CASE("redis broker: a delayed document that changes is queued at once") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  const auto broker = queue.open("w");
  enqueue_one(*broker, document("a", 1));
  broker->queue(Lane::bulk)
      .acknowledge(broker->queue(Lane::bulk).claim().value(), Outcome::timed_out, "slow");
  wait_for(*broker, [](const BrokerState& state) { return state.bulk.delayed == 1; });
  CHECK(enqueue_one(*broker, document("a", 2)) == Enqueued::replaced);
  CHECK(state_of(*broker).bulk.delayed == 0);
  const Claim claim = broker->queue(Lane::bulk).claim().value();
  CHECK(claim.stamp == document("a", 2).stamp);
  CHECK_FALSE(claim.again);
}

TEST_CASE("redis broker: a consumer that died and owns nothing is forgotten") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  // Redis 7.2 and later know who looked and found nothing, too.
  const auto is_known = [&](const std::string& worker) {
    bool found = false;
    queue.for_each_stream([&](const std::string& stream) {
      for (const auto& consumer :
           must(queue.redis().run(stream, {"XINFO", "CONSUMERS", stream, "workers"})).elements)
        found = found || consumer.elements.at(1).text.starts_with(worker);
    });
    return found;
  };
  BrokerOptions options;
  options.lease = std::chrono::milliseconds(100);
  options.until_empty = true;
  options.worker = "dead";
  {
    const auto broker = queue.open(options);
    enqueue_one(*broker, document("a"));
    broker->queue(Lane::bulk)
        .acknowledge(broker->queue(Lane::bulk).claim().value(), Outcome::done, {});
  }
  REQUIRE(is_known("dead"));
  // Each looks once, and one of them when the other has been silent for a lease.
  options.worker = "alive";
  while (is_known("dead")) CHECK_FALSE(queue.open(options)->queue(Lane::bulk).claim());
}

TEST_CASE("redis broker: a group that was destroyed is made again") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  Queue queue(*url);
  const auto broker = queue.open("w");
  enqueue_one(*broker, document("a"));
  const Claim claim = broker->queue(Lane::bulk).claim().value();
  queue.for_each_stream([&](const std::string& stream) {
    must(queue.redis().run(stream, {"XGROUP", "DESTROY", stream, "workers"}));
  });
  CHECK(state_of(*broker).bulk.waiting == 1);
  CHECK(queue.open("other")->queue(Lane::bulk).claim().value().key == "a");
}

TEST_CASE("redis broker: a queue has a plain name") {
  const auto url = redis_for_tests(server);
  if (!url) return;
  for (const std::string& name : {std::string(), std::string("a{b}"), std::string(65, 'a')}) {
    BrokerOptions options;
    options.queue = name;
    CHECK_THROWS_AS(RedisBroker(*url, options), FatalError);
  }
}

TEST_CASE("redis broker: a server that was killed goes on where it was") {
  if (!redis_for_tests(server)) return;
  PrivateRedis redis;
  Queue queue(redis.url());
  const auto broker = queue.open("w");
  std::vector<Claim> documents;
  for (int i = 0; i < 50; ++i) documents.push_back(document(std::to_string(i)));
  REQUIRE(broker->enqueue(documents, Lane::bulk));
  WorkQueue& bulk = broker->queue(Lane::bulk);
  std::set<std::string> keys;
  std::vector<Claim> held;
  for (int i = 0; i < 10; ++i) {
    held.push_back(bulk.claim().value());
    keys.insert(held.back().key);
  }
  redis.kill();
  for (const Claim& claim : held) bulk.acknowledge(claim, Outcome::done, {});
  const Claim late = document("late");
  const auto refused = broker->enqueue({&late, 1}, Lane::bulk);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::retryable);
  while (broker->last_failure().empty()) std::this_thread::yield();
  redis.start();
  CHECK(enqueue_one(*broker, late) == Enqueued::queued);
  for (int i = 0; i < 41; ++i) {
    const Claim claim = bulk.claim().value();
    keys.insert(claim.key);
    bulk.acknowledge(claim, Outcome::done, {});
  }
  CHECK(keys.size() == 51);
  wait_for(*broker, bulk_is_empty);
  while (!broker->last_failure().empty()) std::this_thread::yield();
}

TEST_CASE("redis broker: who waits for a server that is down goes on when it is back") {
  if (!redis_for_tests(server)) return;
  PrivateRedis redis;
  Queue queue(redis.url());
  const auto broker = queue.open("w");
  redis.kill();
  std::string got;
  std::thread waiting([&] { got = broker->queue(Lane::bulk).claim().value_or(Claim{}).key; });
  while (broker->last_failure().empty()) std::this_thread::yield();
  redis.start();
  enqueue_one(*queue.open(BrokerOptions()), document("a"));
  waiting.join();
  CHECK(got == "a");
}

TEST_CASE("redis broker: who asks for its claim waits for a server that is down") {
  if (!redis_for_tests(server)) return;
  PrivateRedis redis;
  Queue queue(redis.url());
  const auto broker = queue.open("w");
  enqueue_one(*broker, document("a"));
  WorkQueue& bulk = broker->queue(Lane::bulk);
  const std::string key = bulk.claim().value().key;
  redis.kill();
  std::vector<bool> held;
  std::thread asking([&] { held = bulk.holds({&key, 1}); });
  while (broker->last_failure().empty()) std::this_thread::yield();
  SECTION("until it is back") {
    redis.start();
    asking.join();
    CHECK(held == std::vector<bool>{true});
  }
  SECTION("until the queue closes and then nothing is held") {
    bulk.close();
    asking.join();
    CHECK(held == std::vector<bool>{false});
  }
}

}  // namespace
}  // namespace penstock
