#include "loadgen/records_observer.h"

#include <map>
#include <string>
#include <vector>

#include "engine/backends/local/lexical_embedder.h"
#include "test/support/catch.h"
#include "test/support/memory_events.h"
#include "test/support/memory_store.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using State = QueuedDocument::State;

class MemoryRecords final : public Records {
 public:
  explicit MemoryRecords(MemoryStore& store) : ledger_(store), vectors_(store) {}
  Ledger& ledger() override { return ledger_; }
  VectorStore& vectors() override { return vectors_; }

 private:
  MemoryLedger ledger_;
  MemoryVectors vectors_;
};

// A run of documents run-0, run-1 ..., each issued and accepted at once.
struct World {
  explicit World(SystemFacts its_facts = {.is_ours = true, .is_alone = true, .is_lexical = true})
      : facts(std::move(its_facts)) {}

  std::unique_ptr<RecordsObserver> watch(Events* events = nullptr) {
    const QueueEyes eyes{
        [] { return BrokerState(); },
        [this](std::span<const std::string> keys)
            -> Result<std::vector<std::optional<QueuedDocument>>> {
          std::vector<std::optional<QueuedDocument>> found;
          for (const std::string& key : keys) {
            const auto place = queue.find(key);
            found.push_back(place == queue.end() ? std::nullopt : std::optional(place->second));
          }
          return found;
        }};
    return std::make_unique<RecordsObserver>(records, eyes, events, journal, "run-", facts);
  }
  std::string accept() {
    const std::uint64_t number = journal.due({});
    journal.issued(number);
    journal.accepted(number, 0, "run-" + std::to_string(number));
    return "run-" + std::to_string(number);
  }
  void queued(const std::string& key, State state) { queue[key].state = state; }
  void record(const std::string& key, Outcome outcome, DocumentTimes times = {}) {
    DocumentRecord record;
    record.claim.key = key;
    record.claim.location = key;
    record.outcome = outcome;
    record.times = times;
    REQUIRE(records.ledger().record({&record, 1}).has_value());
  }
  // As a pipeline does it.
  void store_version(const std::string& key, const std::string& content, const std::string& chunk) {
    const VersionName name{key, VersionId::of(content, "as tested")};
    std::vector<float> vector;
    LexicalEmbedder().embed({chunk}, 0, [&](Embedding made) { vector = std::move(made.vectors); });
    const Chunk one{.text = chunk};
    REQUIRE(records.ledger().intend({&name, 1}).has_value());
    const VersionChunks chunks{key, name.version, {&one, 1}, vector};
    REQUIRE(records.vectors().upsert({&chunks, 1}).has_value());
    DocumentRecord record;
    record.claim.key = key;
    record.claim.location = key;
    record.outcome = Outcome::done;
    record.fingerprint = "as tested";
    record.current = CurrentVersion{name.version, 1, 1, 3};
    REQUIRE(records.ledger().record({&record, 1}).has_value());
  }
  RunRecord complete(RecordsObserver& observer) {
    RunRecord run;
    run.arrivals = journal.take();
    REQUIRE(observer.complete(run).has_value());
    return run;
  }

  SystemFacts facts;
  MemoryStore store;
  MemoryRecords records{store};
  std::map<std::string, QueuedDocument> queue;
  Journal journal{std::chrono::steady_clock::now()};
};

TEST_CASE("records: a document that is neither in the ledger nor in the queue is lost") {
  World world;
  const auto observer = world.watch();
  const std::string done = world.accept();
  const std::string failed = world.accept();
  const std::string dead = world.accept();
  const std::string leased = world.accept();
  world.accept();  // and nobody knows it
  const std::string pending = world.accept();
  world.record(done, Outcome::done);
  world.record(failed, Outcome::corrupt);
  world.record(pending, Outcome::pending);
  world.queued(done, State::leased);  // the queue has not heard of its end yet
  world.queued(dead, State::dead);
  world.queue[dead].reason = "its worker died";
  world.queued(leased, State::leased);
  const RunRecord run = world.complete(*observer);
  CHECK(run.arrivals[0].ending == Ending::done);
  CHECK(run.arrivals[1].ending == Ending::failed);
  CHECK(run.arrivals[1].outcome == "corrupt");
  CHECK(run.arrivals[2].ending == Ending::failed);
  CHECK(run.arrivals[2].message == "its worker died");
  CHECK(run.arrivals[3].ending == Ending::in_flight);
  CHECK(run.arrivals[4].ending == Ending::lost);
  CHECK(run.arrivals[5].ending == Ending::lost);
  CHECK(run.unknown == 0);
}

TEST_CASE("records: what the queue does not have any more is not waited for") {
  World world;
  const auto observer = world.watch();
  world.queued(world.accept(), State::waiting);
  world.queued(world.accept(), State::dead);
  world.accept();
  observer->ask_for_ends();
  CHECK(world.journal.counts().ended == 2);
  CHECK(world.journal.unended() == std::vector<std::string>{"run-0"});
}

TEST_CASE("records: documents of others count only where nobody else should be") {
  for (const bool is_alone : {true, false}) {
    World world({.is_ours = true, .is_alone = is_alone});
    const auto observer = world.watch();
    world.record("somebody's", Outcome::done);
    CHECK(world.complete(*observer).unknown == (is_alone ? 1 : 0));
  }
}

TEST_CASE("records: what was refused and taken all the same is found") {
  World world;
  const auto observer = world.watch();
  const std::uint64_t number = world.journal.due({});
  world.journal.refused(number, 0, "full");
  world.record("run-0", Outcome::done);
  CHECK(world.complete(*observer).findings ==
        std::vector<std::string>{"document 0 was refused and taken as run-0"});
}

TEST_CASE("records: times of another clock are set right by what cannot be otherwise") {
  constexpr auto ahead = 90s;
  World world({.is_ours = false});
  MemoryEvents events;
  const auto observer = world.watch(&events);
  const std::string key = world.accept();
  const WallTime there = wall_now() + ahead;
  events.publish({key, Milestone::done, Lane::bulk, there, Outcome::done, {}});
  world.record(key, Outcome::done, {.started = there, .done = there});
  const RunRecord run = world.complete(*observer);
  const auto near = [](Offset a, Offset b, Offset by) { return a - b <= by && b - a <= by; };
  CHECK(near(run.clock.offset, ahead, run.clock.doubt + 2ms));
  CHECK(near(*run.arrivals[0].done, *run.arrivals[0].issued, 2 * run.clock.doubt + 2ms));
}

TEST_CASE("records: another content and words that are not found are wrong") {
  World world;
  const auto observer = world.watch();
  const std::string text = "some words that no other\n has";
  Arrival arrival;
  arrival.id = "run-0";
  Content content;
  content.parts = {{text.data(), 5}, {text.data() + 5, text.size() - 5}};
  content.bytes = text.size();
  content.phrase = "no other has";
  CHECK(observer->wrong_with(arrival, content) == "has no current version");
  world.store_version("run-0", text, text);
  CHECK(observer->wrong_with(arrival, content) == std::nullopt);
  content.phrase = "no one else has";
  CHECK(observer->wrong_with(arrival, content) == "is not found by its words \"no one else has\"");
  content.parts.pop_back();
  CHECK(observer->wrong_with(arrival, content) == "has another content than what was sent");
}

}  // namespace
}  // namespace penstock
