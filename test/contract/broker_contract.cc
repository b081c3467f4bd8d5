#include "test/contract/broker_contract.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

// Leases and pauses that no test outlives: time passes only where the world says so.
BrokerOptions options(const std::string& worker = {}) {
  BrokerOptions options;
  options.worker = worker;
  options.lease = std::chrono::minutes(30);
  options.backoff = std::chrono::minutes(30);
  options.backoff_max = std::chrono::hours(1);
  options.attempts_max = 3;
  return options;
}

Claim document(const std::string& key, std::int64_t revision = 1) {
  return {key, "/at/" + key, "{\"a\":1}", {10, revision, revision}};
}

std::vector<Enqueued> enqueue(Broker& broker, const std::vector<Claim>& documents,
                              Lane lane = Lane::bulk) {
  const auto enqueued = broker.enqueue(documents, lane);
  REQUIRE(enqueued.has_value());
  REQUIRE(enqueued->size() == documents.size());
  return *enqueued;
}

Enqueued enqueue_one(Broker& broker, const Claim& claim, Lane lane = Lane::bulk) {
  return enqueue(broker, {claim}, lane).front();
}

Claim claim(Broker& broker, Lane lane = Lane::bulk) {
  const std::optional<Claim> claim = broker.queue(lane).claim();
  REQUIRE(claim.has_value());
  return *claim;
}

void end(Broker& broker, const Claim& claim, Outcome outcome, const std::string& message = {}) {
  broker.queue(Lane::bulk).acknowledge(claim, outcome, message);
}

// What is acknowledged takes effect some time: asks until it has.
void wait_for(Broker& broker, const std::function<bool(const BrokerState&)>& holds) {
  for (;;) {
    const auto state = broker.state();
    REQUIRE(state.has_value());
    if (holds(*state)) return;
    std::this_thread::yield();
  }
}

bool is_empty(const BrokerState& state) {
  const LaneDepth& bulk = state.bulk;
  const LaneDepth& interactive = state.interactive;
  return bulk.waiting + bulk.leased + bulk.delayed + interactive.waiting + interactive.leased +
             interactive.delayed + state.dead ==
         0;
}

std::vector<QueuedDocument> dead_letters(Broker& broker) {
  std::vector<QueuedDocument> letters;
  REQUIRE(broker
              .for_each_dead([&](const QueuedDocument& letter) {
                letters.push_back(letter);
                return true;
              })
              .has_value());
  return letters;
}

std::vector<std::optional<QueuedDocument>> find(Broker& broker,
                                                const std::vector<std::string>& keys) {
  auto found = broker.find(keys);
  REQUIRE(found.has_value());
  REQUIRE(found->size() == keys.size());
  return *std::move(found);
}

QueuedDocument find_one(Broker& broker, const std::string& key) {
  const auto found = find(broker, {key}).front();
  REQUIRE(found.has_value());
  CHECK(found->claim.key == key);
  return *found;
}

// A worker that claims one document and dies.
void claim_and_die(const BrokerWorld& world, const std::string& worker) {
  {
    const auto doomed = world.open(options(worker));
    claim(*doomed);
  }
  world.end_leases();
}

}  // namespace

void run_broker_contract(const BrokerWorld& world) {
  std::unique_ptr<Broker> broker = world.open(options("w1"));

  SECTION("what is enqueued is claimed once and as it was") {
    Claim odd = document("/ordner/Größe \"x\" 漢字.pdf");
    odd.location = std::string("/a\xff\xfe\0b", 6);
    CHECK(enqueue_one(*broker, odd) == Enqueued::queued);
    const Claim claimed = claim(*broker);
    CHECK(claimed.key == odd.key);
    CHECK(claimed.location == odd.location);
    CHECK(claimed.metadata == odd.metadata);
    CHECK(claimed.stamp == odd.stamp);
    CHECK_FALSE(claimed.again);
    const auto state = broker->state();
    REQUIRE(state.has_value());
    CHECK(state->bulk.waiting == 0);
    CHECK(state->bulk.leased == 1);
    end(*broker, claimed, Outcome::done);
    wait_for(*broker, is_empty);
  }

  SECTION("what is enqueued outlives who enqueued it") {
    { enqueue(*world.open(options()), {document("a"), document("b")}); }
    std::set<std::string> keys = {claim(*broker).key, claim(*broker).key};
    CHECK(keys == std::set<std::string>{"a", "b"});
  }

  SECTION("a content is queued once") {
    CHECK(enqueue(*broker, {document("a"), document("a")}) ==
          std::vector<Enqueued>{Enqueued::queued, Enqueued::known});
    const Claim claimed = claim(*broker);
    CHECK(enqueue_one(*broker, document("a")) == Enqueued::known);
    end(*broker, claimed, Outcome::done);
    wait_for(*broker, is_empty);
    CHECK(enqueue_one(*broker, document("a")) == Enqueued::queued);
  }

  SECTION("a document without a stamp is never known") {
    Claim unknown = document("a");
    unknown.stamp = {};
    CHECK(enqueue_one(*broker, unknown) == Enqueued::queued);
    CHECK(enqueue_one(*broker, unknown) == Enqueued::replaced);
    const Claim claimed = claim(*broker);
    CHECK(enqueue_one(*broker, unknown) == Enqueued::follows);
  }

  SECTION("a newer content takes the place of one that waits") {
    enqueue_one(*broker, document("a", 1));
    CHECK(enqueue_one(*broker, document("a", 2)) == Enqueued::replaced);
    CHECK(claim(*broker).stamp == document("a", 2).stamp);
    CHECK(broker->state()->bulk.waiting == 0);
  }

  SECTION("a removal is claimed as it was") {
    Claim removal;
    removal.key = "a";
    CHECK(enqueue_one(*broker, removal) == Enqueued::queued);
    const Claim claimed = claim(*broker);
    CHECK(claimed.key == "a");
    CHECK(claimed.is_removal());
    CHECK(enqueue_one(*broker, document("a")) == Enqueued::follows);
    end(*broker, claimed, Outcome::done);
    const Claim next = claim(*broker);
    CHECK_FALSE(next.is_removal());
    CHECK(enqueue_one(*broker, removal) == Enqueued::follows);
    end(*broker, next, Outcome::done);
    const Claim last = claim(*broker);
    CHECK(last.is_removal());
    end(*broker, last, Outcome::done);
    wait_for(*broker, is_empty);
  }

  SECTION("a removal is no content that is known whatever its stamp") {
    Claim removal = document("a");
    removal.location.clear();
    enqueue_one(*broker, document("a"));
    CHECK(enqueue_one(*broker, removal) == Enqueued::replaced);
    CHECK(enqueue_one(*broker, removal) == Enqueued::known);
    CHECK(enqueue_one(*broker, document("a")) == Enqueued::replaced);
    end(*broker, claim(*broker), Outcome::corrupt, "damaged");
    wait_for(*broker, [](const BrokerState& state) { return state.dead == 1; });
    CHECK(enqueue_one(*broker, removal) == Enqueued::queued);
    const Claim claimed = claim(*broker);
    CHECK(claimed.is_removal());
    end(*broker, claimed, Outcome::done);
    wait_for(*broker, is_empty);
  }

  SECTION("a newer content follows one that is leased") {
    enqueue_one(*broker, document("a", 1));
    const Claim first = claim(*broker);
    CHECK(enqueue_one(*broker, document("a", 2)) == Enqueued::follows);
    CHECK(enqueue_one(*broker, document("a", 3)) == Enqueued::follows);
    CHECK(broker->state()->bulk.waiting == 0);
    SECTION("whatever became of that") {
      end(*broker, first, GENERATE(Outcome::done, Outcome::corrupt, Outcome::unreadable), "why");
    }
    SECTION("also when its worker died") {
      world.end_leases();
      const std::unique_ptr<Broker> other = world.open(options("w2"));
      CHECK(claim(*other).stamp == document("a", 3).stamp);
      return;
    }
    const Claim next = claim(*broker);
    CHECK(next.stamp == document("a", 3).stamp);
    end(*broker, next, Outcome::done);
    wait_for(*broker, is_empty);
  }

  SECTION("no document goes to two workers") {
    std::vector<Claim> documents;
    for (int i = 0; i < 60; ++i) documents.push_back(document(std::to_string(i)));
    enqueue(*broker, documents);
    std::vector<std::vector<std::string>> claimed(3);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < claimed.size(); ++i) {
      threads.emplace_back([&, i] {
        BrokerOptions until_empty = options("t" + std::to_string(i));
        until_empty.until_empty = true;
        const std::unique_ptr<Broker> worker = world.open(until_empty);
        while (const auto one = worker->queue(Lane::bulk).claim()) {
          claimed[i].push_back(one->key);
          worker->queue(Lane::bulk).acknowledge(*one, Outcome::done, {});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::multiset<std::string> all;
    for (const auto& keys : claimed) all.insert(keys.begin(), keys.end());
    CHECK(all.size() == 60);
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 60);
    wait_for(*broker, is_empty);
  }

  SECTION("what is given back is taken again at once and costs no attempt") {
    enqueue_one(*broker, document("a"));
    for (int i = 0; i < 5; ++i) {
      const Claim claimed = claim(*broker);
      CHECK(claimed.key == "a");
      CHECK_FALSE(claimed.again);
      broker->queue(Lane::bulk).give_back(claimed);
    }
    CHECK(broker->state()->dead == 0);
  }

  SECTION("what another attempt may change is tried again after a pause") {
    enqueue_one(*broker, document("a"));
    for (int attempt = 1; attempt < 3; ++attempt) {
      end(*broker, claim(*broker), Outcome::unreadable, "no route to host");
      wait_for(*broker, [](const BrokerState& state) { return state.bulk.delayed == 1; });
      CHECK(broker->state()->bulk.leased == 0);
      CHECK(enqueue_one(*broker, document("a")) == Enqueued::known);
      world.end_delays();
    }
    const Claim last = claim(*broker);
    CHECK(last.again);
    end(*broker, last, Outcome::unreadable, "no route to host");
    wait_for(*broker, [](const BrokerState& state) { return state.dead == 1; });
    const std::vector<QueuedDocument> letters = dead_letters(*broker);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].claim.key == "a");
    CHECK(letters[0].claim.location == "/at/a");
    CHECK(letters[0].claim.stamp == document("a").stamp);
    CHECK(letters[0].lane == Lane::bulk);
    CHECK(letters[0].outcome == Outcome::unreadable);
    CHECK(letters[0].reason == "no route to host");
    CHECK(letters[0].attempts == 3);
  }

  SECTION("what no attempt will change is a dead letter at once") {
    enqueue_one(*broker, document("a"));
    end(*broker, claim(*broker), Outcome::encrypted, "needs a password");
    wait_for(*broker, [](const BrokerState& state) { return state.dead == 1; });
    const std::vector<QueuedDocument> letters = dead_letters(*broker);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].outcome == Outcome::encrypted);
    CHECK(letters[0].reason == "needs a password");
    CHECK(letters[0].attempts == 1);
    CHECK(broker->state()->bulk.leased == 0);
  }

  SECTION("a dead letter stays until it is retried or its document changes") {
    enqueue(*broker, {document("a"), document("b"), document("c")});
    for (int i = 0; i < 3; ++i) end(*broker, claim(*broker), Outcome::corrupt, "damaged");
    wait_for(*broker, [](const BrokerState& state) { return state.dead == 3; });
    CHECK(enqueue_one(*broker, document("a")) == Enqueued::dead);
    CHECK(enqueue_one(*broker, document("a", 2)) == Enqueued::queued);
    CHECK(broker->state()->dead == 2);
    CHECK(claim(*broker).stamp == document("a", 2).stamp);
    const auto retried = broker->retry(std::vector<std::string>{"b", "a", "nobody"});
    REQUIRE(retried.has_value());
    CHECK(*retried == 1);
    CHECK(broker->state()->dead == 1);
    const Claim again = claim(*broker);
    CHECK(again.key == "b");
    CHECK(again.stamp == document("b").stamp);
    CHECK(again.again);
    end(*broker, again, Outcome::corrupt, "still damaged");
    wait_for(*broker, [](const BrokerState& state) { return state.dead == 2; });
    for (const QueuedDocument& letter : dead_letters(*broker)) CHECK(letter.attempts == 1);
  }

  SECTION("a dead worker's document goes to another one and has lost an attempt") {
    enqueue_one(*broker, document("a"));
    claim_and_die(world, "d1");
    claim_and_die(world, "d2");
    const std::unique_ptr<Broker> last = world.open(options("w2"));
    const Claim third = claim(*last);
    CHECK(third.key == "a");
    CHECK(third.again);
    end(*last, third, Outcome::crashed, "boom");
    wait_for(*last, [](const BrokerState& state) { return state.dead == 1; });
    CHECK(dead_letters(*last)[0].attempts == 3);
  }

  SECTION("a document whose workers die is a dead letter in the end") {
    enqueue_one(*broker, document("a"));
    for (const char* name : {"d1", "d2", "d3"}) claim_and_die(world, name);
    BrokerOptions until_empty = options("w2");
    until_empty.until_empty = true;
    const std::unique_ptr<Broker> last = world.open(until_empty);
    CHECK_FALSE(last->queue(Lane::bulk).claim().has_value());
    const std::vector<QueuedDocument> letters = dead_letters(*last);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].attempts == 3);
    CHECK(letters[0].reason ==
          "its worker died, at the last of 3 attempts; it may be what kills them");
  }

  SECTION("who lost its lease changes nothing any more") {
    enqueue_one(*broker, document("a"));
    const Claim slow = claim(*broker);
    world.end_leases();
    const std::unique_ptr<Broker> other = world.open(options("w2"));
    const Claim taken = claim(*other);
    CHECK(taken.key == "a");
    end(*broker, slow, Outcome::corrupt, "stale");
    // Delivered after it, so that it was delivered, too.
    enqueue_one(*broker, document("b"));
    end(*broker, claim(*broker), Outcome::done);
    wait_for(*broker, [](const BrokerState& state) { return state.bulk.leased == 1; });
    CHECK(broker->state()->dead == 0);
    end(*other, taken, Outcome::done);
    wait_for(*broker, is_empty);
  }

  SECTION("who has a document is not given it again") {
    enqueue_one(*broker, document("a"));
    claim(*broker);
    world.end_leases();
    enqueue_one(*broker, document("b"));
    CHECK(claim(*broker).key == "b");
  }

  SECTION("a claim is held until another worker has the document") {
    const auto holds = [](Broker& its_broker, const std::string& key) -> bool {
      return its_broker.queue(Lane::bulk).holds(std::span(&key, 1)).front();
    };
    enqueue_one(*broker, document("a"));
    CHECK_FALSE(holds(*broker, "a"));
    claim(*broker);
    CHECK(holds(*broker, "a"));
    CHECK_FALSE(holds(*broker, "nobody's"));
    world.end_leases();
    CHECK(holds(*broker, "a"));

    world.end_leases();
    const std::unique_ptr<Broker> other = world.open(options("w2"));
    const Claim taken = claim(*other);
    CHECK_FALSE(holds(*broker, "a"));
    CHECK(holds(*other, "a"));
    SECTION("also once that one is through with it") {
      end(*other, taken, Outcome::done);
      wait_for(*broker, is_empty);
      CHECK_FALSE(holds(*broker, "a"));
      CHECK_FALSE(holds(*other, "a"));
    }
    SECTION("also when a removal was next and is through") {
      Claim removal = document("a");
      removal.location.clear();
      CHECK(enqueue_one(*broker, removal) == Enqueued::follows);
      end(*other, taken, Outcome::done);
      const Claim next = claim(*other);
      CHECK(next.is_removal());
      CHECK_FALSE(holds(*broker, "a"));
      CHECK(holds(*other, "a"));
      end(*other, next, Outcome::done);
      wait_for(*broker, is_empty);
      CHECK_FALSE(holds(*broker, "a"));
    }
  }

  SECTION("of several claims each is told in the order of its key") {
    enqueue(*broker, {document("a"), document("b"), document("c")});
    std::vector<std::string> keys = {claim(*broker).key, claim(*broker).key, claim(*broker).key};
    keys.insert(keys.begin() + 1, "nobody's");
    CHECK(broker->queue(Lane::bulk).holds(keys) == std::vector<bool>{true, false, true, true});
  }

  SECTION("a queue that is closed still tells what is held") {
    enqueue_one(*broker, document("a"));
    const std::string key = claim(*broker).key;
    broker->queue(Lane::bulk).close();
    CHECK(broker->queue(Lane::bulk).holds(std::span(&key, 1)) == std::vector<bool>{true});
  }

  SECTION("lanes do not mix") {
    enqueue_one(*broker, document("slow"), Lane::bulk);
    enqueue_one(*broker, document("quick"), Lane::interactive);
    CHECK(claim(*broker, Lane::interactive).key == "quick");
    CHECK(broker->state()->bulk.waiting == 1);
    CHECK(broker->state()->interactive.waiting == 0);
    CHECK(broker->state()->interactive.leased == 1);
    CHECK(claim(*broker, Lane::bulk).key == "slow");
  }

  SECTION("a full lane takes no more and the other one does") {
    BrokerOptions small = options("w2");
    small.documents_max = 32;
    const std::unique_ptr<Broker> bounded = world.open(small);
    std::vector<Claim> documents;
    for (int i = 0; i < 500; ++i) documents.push_back(document(std::to_string(i)));
    const std::vector<Enqueued> enqueued = enqueue(*bounded, documents);
    const auto count = [&](Enqueued what) { return std::ranges::count(enqueued, what); };
    CHECK(count(Enqueued::queued) == 32);
    CHECK(count(Enqueued::full) == 468);
    CHECK(bounded->state()->bulk.waiting == 32);
    CHECK(enqueue_one(*bounded, document("x"), Lane::interactive) == Enqueued::queued);
  }

  SECTION("a worker until empty waits for the others") {
    enqueue_one(*broker, document("a"));
    const Claim held = claim(*broker);
    std::string got;
    std::thread waiting([&] {
      BrokerOptions until_empty = options("w2");
      until_empty.until_empty = true;
      const std::unique_ptr<Broker> other = world.open(until_empty);
      while (const auto claimed = other->queue(Lane::bulk).claim()) {
        got += claimed->key;
        other->queue(Lane::bulk).acknowledge(*claimed, Outcome::done, {});
      }
    });
    broker->queue(Lane::bulk).give_back(held);
    waiting.join();
    CHECK(got == "a");
  }

  SECTION("closing wakes who waits") {
    bool got_something = true;
    std::thread waiting([&] { got_something = broker->queue(Lane::bulk).claim().has_value(); });
    broker->queue(Lane::bulk).close();
    waiting.join();
    CHECK_FALSE(got_something);
    CHECK_FALSE(broker->queue(Lane::bulk).claim().has_value());
  }

  // Claimed so fast, they are fetched several at once.
  SECTION(
      "documents that nobody took wait for others, once the queue is closed or its worker ends") {
    std::vector<Claim> documents;
    for (int i = 0; i < 100; ++i) documents.push_back(document(std::to_string(i)));
    enqueue(*broker, documents);
    for (int i = 0; i < 20; ++i) claim(*broker);
    std::unique_ptr<Broker> other = world.open(options("w2"));
    for (int i = 0; i < 20; ++i) claim(*other);
    broker->queue(Lane::bulk).close();
    other.reset();
    wait_for(*broker, [](const BrokerState& state) { return state.bulk.leased == 40; });
    CHECK(broker->state()->bulk.waiting == 60);
  }

  SECTION("who waits gets what is enqueued later") {
    std::string got;
    std::thread waiting([&] {
      const auto claimed = broker->queue(Lane::interactive).claim();
      if (claimed) got = claimed->key;
    });
    enqueue_one(*world.open(options()), document("late"), Lane::interactive);
    waiting.join();
    CHECK(got == "late");
  }

  SECTION("the oldest that waits tells its age") {
    CHECK(broker->state()->bulk.oldest.count() == 0);
    enqueue_one(*broker, document("a"));
    while (broker->state()->bulk.oldest.count() == 0) std::this_thread::yield();
    claim(*broker);
    CHECK(broker->state()->bulk.oldest.count() == 0);
  }

  SECTION("a document is found as it is in each of its states") {
    using State = QueuedDocument::State;
    CHECK_FALSE(find(*broker, {"a"}).front().has_value());
    Claim odd = document("a");
    odd.location = std::string("/a\xff\xfe\0b", 6);
    enqueue_one(*broker, odd);
    const QueuedDocument waiting = find_one(*broker, "a");
    CHECK(waiting.state == State::waiting);
    CHECK(waiting.claim.location == odd.location);
    CHECK(waiting.claim.metadata == odd.metadata);
    CHECK(waiting.claim.stamp == odd.stamp);
    CHECK(waiting.lane == Lane::bulk);
    CHECK(waiting.attempts == 0);

    for (std::uint32_t attempts = 0; attempts < 2; ++attempts) {
      const Claim claimed = claim(*broker);
      const QueuedDocument leased = find_one(*broker, "a");
      CHECK(leased.state == State::leased);
      CHECK(leased.attempts == attempts);
      end(*broker, claimed, Outcome::unreadable, "no route to host");
      wait_for(*broker, [](const BrokerState& state) { return state.bulk.delayed == 1; });
      const QueuedDocument delayed = find_one(*broker, "a");
      CHECK(delayed.state == State::delayed);
      CHECK(delayed.attempts == attempts + 1);
      world.end_delays();
    }
    end(*broker, claim(*broker), Outcome::corrupt, "damaged");
    wait_for(*broker, [](const BrokerState& state) { return state.dead == 1; });
    const QueuedDocument dead = find_one(*broker, "a");
    CHECK(dead.state == State::dead);
    CHECK(dead.claim.location == odd.location);
    CHECK(dead.attempts == 3);
    CHECK(dead.outcome == Outcome::corrupt);
    CHECK(dead.reason == "damaged");

    REQUIRE(broker->retry(std::vector<std::string>{"a"}).has_value());
    const QueuedDocument retried = find_one(*broker, "a");
    CHECK(retried.state == State::waiting);
    CHECK(retried.attempts == 0);
    CHECK(retried.reason.empty());
    end(*broker, claim(*broker), Outcome::done);
    wait_for(*broker, is_empty);
    CHECK_FALSE(find(*broker, {"a"}).front().has_value());
  }

  SECTION("a document that another content follows is found as the one that is leased") {
    enqueue_one(*broker, document("a", 1), Lane::interactive);
    claim(*broker, Lane::interactive);
    CHECK_FALSE(find_one(*broker, "a").is_followed);
    enqueue_one(*broker, document("a", 2), Lane::bulk);
    const QueuedDocument leased = find_one(*broker, "a");
    CHECK(leased.state == QueuedDocument::State::leased);
    CHECK(leased.claim.stamp == document("a", 1).stamp);
    CHECK(leased.lane == Lane::interactive);
    CHECK(leased.is_followed);
    world.end_leases();
    BrokerOptions until_empty = options("w2");
    until_empty.until_empty = true;
    CHECK_FALSE(world.open(until_empty)->queue(Lane::interactive).claim().has_value());
    const QueuedDocument follower = find_one(*broker, "a");
    CHECK(follower.state == QueuedDocument::State::waiting);
    CHECK(follower.claim.stamp == document("a", 2).stamp);
    CHECK(follower.lane == Lane::bulk);
    CHECK_FALSE(follower.is_followed);
  }

  SECTION("documents are found in the order of their keys and as often as they are asked for") {
    CHECK(find(*broker, {}).empty());
    std::vector<Claim> documents;
    std::vector<std::string> keys;
    for (int i = 0; i < 1'500; ++i) {
      keys.push_back(std::to_string(i));
      if (i % 3 != 0) documents.push_back(document(keys.back()));
    }
    enqueue(*broker, documents);
    keys.insert(keys.end(), {"7", "9", "7"});
    const auto found = find(*broker, keys);
    std::size_t right = 0;
    for (std::size_t i = 0; i < keys.size(); ++i)
      right += found[i] ? found[i]->claim.key == keys[i] : std::stoi(keys[i]) % 3 == 0;
    CHECK(right == keys.size());
    CHECK(std::ranges::count_if(found, [](const auto& each) { return each.has_value(); }) == 1'002);
  }

  SECTION("workers say how they are") {
    WorkerReport report;
    report.worker = "w1";
    report.documents_in_flight = 7;
    report.done = 100;
    report.failed = 3;
    report.pages = 900;
    report.rates.pages = 12.5;
    report.budget = "main";
    report.tokens = 123'456'789'012;
    report.cpu_cores = 1.5;
    report.memory_bytes = 200 << 20;
    report.up = std::chrono::seconds(61);
    REQUIRE(broker->report(report).has_value());
    report.worker = "w0";
    report.draining = true;
    REQUIRE(broker->report(report).has_value());
    report.done = 101;
    REQUIRE(broker->report(report).has_value());
    const std::unique_ptr<Broker> watching = world.open(options());
    const auto workers = watching->workers();
    REQUIRE(workers.has_value());
    REQUIRE(workers->size() == 2);
    CHECK((*workers)[0].worker == "w0");
    CHECK((*workers)[0].draining);
    CHECK((*workers)[0].done == 101);
    const WorkerReport& first = (*workers)[1];
    CHECK(first.worker == "w1");
    CHECK_FALSE(first.draining);
    CHECK(first.documents_in_flight == 7);
    CHECK(first.done == 100);
    CHECK(first.failed == 3);
    CHECK(first.pages == 900);
    CHECK(first.rates.pages == 12.5);
    CHECK(first.budget == "main");
    CHECK(first.tokens == 123'456'789'012);
    CHECK(std::abs(first.cpu_cores - 1.5) < 0.01);
    CHECK(first.memory_bytes == 200 << 20);
    CHECK(first.up == std::chrono::seconds(61));
    broker.reset();  // ends as it should: nobody is to miss it
    CHECK(watching->workers()->size() == 1);
  }
}

}  // namespace penstock
