#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/pipeline/fsck.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/store_writer.h"
#include "test/pipeline/world.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Acknowledged = std::vector<std::pair<std::string, Outcome>>;

// A worker that stands still before a step of the ledger, once, while others do what they do.
class StandsStill final : public MemoryLedger {
 public:
  StandsStill(MemoryStore& store, std::string before, std::function<void()> others)
      : MemoryLedger(store), before_(std::move(before)), others_(std::move(others)) {}

  Result<std::vector<VersionName>> intents(std::span<const std::string> keys) override {
    pass("intents");
    return MemoryLedger::intents(keys);
  }
  Result<void> intend(std::span<const VersionName> intents) override {
    pass("intend");
    return MemoryLedger::intend(intents);
  }
  Result<std::vector<std::string>> record(std::span<const DocumentRecord> records) override {
    pass("record");
    return MemoryLedger::record(records);
  }
  Result<std::vector<std::string>> forget(std::span<const std::string> keys) override {
    pass("forget");
    return MemoryLedger::forget(keys);
  }

 private:
  void pass(const std::string& step) {
    if (step == before_) std::exchange(others_, [] {})();
  }

  const std::string before_;
  std::function<void()> others_;
};

void check_nothing_is_left(World& world, const std::string& key) {
  CHECK_FALSE(world.store.documents.contains(key));
  CHECK(world.stored(key).empty());
  CHECK(world.store.intents.empty());
}

void remove(World& world, const std::string& key) {
  world.ask_removal(key);
  REQUIRE(world.run().has_value());
}

// Another worker's removal, whole, of a document as the ledger knows it.
void remove_as_another(World& world, const std::string& key) {
  DocumentRecord document;
  document.claim.key = key;
  const auto known = world.ledger.find(key);
  if (*known) document = **known;
  const auto kept = remove_documents(world.ledger, world.vectors, {document});
  REQUIRE(kept.has_value());
  REQUIRE(kept->empty());
}

// Another worker's run, beside the world's own, over a newer content of a document.
Result<void> store_as_another(World& world, const std::string& key, const std::string& content) {
  FakeQueue queue({{key, key, {}, {content.size(), 7, 7}}});
  world.blobs.contents[key] = content;
  const Tokenizer tokenizer(Encoding::cl100k_base);
  Pipeline pipeline({queue, world.blobs, world.extract, tokenizer, world.quota, world.embedder,
                     world.ledger, world.vectors},
                    world.options, [](const FinishedDocument&) {});
  return pipeline.run();
}

TEST_CASE("removal: a document is taken out of ledger and vectors and nothing is read") {
  World world;
  world.put("a", "one");
  world.put("b", "two");
  world.put("broken", "!corrupt damaged");
  REQUIRE(world.run().has_value());

  world.ask_removal("a");
  world.ask_removal("broken");
  REQUIRE(world.run().has_value());
  check_nothing_is_left(world, "a");
  check_nothing_is_left(world, "broken");
  CHECK(world.stored("b") == std::vector<std::string>{"two\n"});
  CHECK(world.blobs.reads == 0);
  CHECK(world.embedder.requests == 0);
  CHECK(world.queue->acknowledged().size() == 3);
  CHECK(world.queue->given_back().empty());
  CHECK(world.ended("a").outcome == Outcome::done);
  CHECK(world.ended("a").chunks == 0);
}

TEST_CASE("removal: of a document that the ledger does not know is done") {
  World world;
  remove(world, "nobody");
  CHECK(world.queue->acknowledged() == Acknowledged{{"nobody", Outcome::done}});
  check_nothing_is_left(world, "nobody");
}

TEST_CASE("removal: what dead workers left of the document goes with it") {
  World world;
  const bool is_known = GENERATE(true, false);
  if (is_known) {
    world.put("a", "one");
    REQUIRE(world.run().has_value());
  }
  world.put("a", "two", 2);
  world.store.break_step("record");
  REQUIRE_FALSE(world.run().has_value());
  world.store.mend();
  REQUIRE(world.stored("a").size() == (is_known ? 2 : 1));

  remove(world, "a");
  check_nothing_is_left(world, "a");
}

TEST_CASE("removal: whoever takes one next that stopped at any step ends it") {
  const std::string step = GENERATE("find", "intend", "record", "remove", "forget");
  CAPTURE(step);
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());

  world.ask_removal("a");
  world.store.break_step(step);
  const Result<void> broken = world.run();
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().message == step + " is broken");
  CHECK(world.queue->acknowledged().empty());
  CHECK(world.queue->given_back() == std::vector<std::string>{"a"});
  world.store.mend();

  SECTION("as a removal") {}
  SECTION("also once a backfill has recovered the store") {
    REQUIRE(recover(world.ledger, world.vectors).has_value());
    const auto report = fsck(world.ledger, world.vectors, false, [](const auto&, const auto&) {});
    REQUIRE(report.has_value());
    CHECK(report->sound());
  }
  REQUIRE(world.run().has_value());
  check_nothing_is_left(world, "a");
  CHECK(world.queue->acknowledged() == Acknowledged{{"a", Outcome::done}});
}

TEST_CASE("removal: a new content wins over one that stopped at any step") {
  const std::string step = GENERATE("find", "intend", "record", "remove", "forget");
  const std::string content = GENERATE("one", "two");
  CAPTURE(step, content);
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());
  world.ask_removal("a");
  world.store.break_step(step);
  REQUIRE_FALSE(world.run().has_value());
  world.store.mend();

  world.put("a", content, 2);
  REQUIRE(world.run().has_value());
  CHECK(world.ended("a").outcome == Outcome::done);
  CHECK(world.stored("a") == std::vector<std::string>{content + "\n"});
  CHECK(world.store.documents.at("a").current->id == VersionId::of(content, "test"));
  CHECK(world.store.intents.empty());
}

TEST_CASE("removal: a slower worker with an older content of the document changes nothing") {
  World world;
  SECTION("that has intended it and there was a version before") {
    world.put("a", "one");
    REQUIRE(world.run().has_value());
    StandsStill slow(world.store, "record", [&] { remove_as_another(world, "a"); });
    world.put("a", "two", 2);
    REQUIRE(world.run(slow).has_value());
  }
  SECTION("that has intended it and there was none") {
    StandsStill slow(world.store, "record", [&] { remove_as_another(world, "a"); });
    world.put("a", "one");
    REQUIRE(world.run(slow).has_value());
  }
  SECTION("that begins to store only now") {
    world.put("a", "one");
    REQUIRE(world.run().has_value());
    const std::string step = GENERATE("intents", "intend");
    StandsStill slow(world.store, step, [&] { remove_as_another(world, "a"); });
    world.put("a", "two", 2);
    REQUIRE(world.run(slow).has_value());
  }
  CHECK(world.queue->given_back() == std::vector<std::string>{"a"});
  CHECK(world.queue->acknowledged().empty());
  CHECK(world.ended_documents.empty());
  check_nothing_is_left(world, "a");
}

// As a fleet's queue has it: the removal was handed out because this worker's claim had ended.
void remove_while_it_stands_still(World& world, const std::string& key) {
  world.queue->lost.insert(key);
  remove_as_another(world, key);
}

TEST_CASE("removal: a worker that stood still through all of it stores nothing") {
  World world;
  const std::string content = GENERATE("words", "!corrupt damaged", "");
  const std::string step = GENERATE("intents", "intend");
  CAPTURE(content, step);
  StandsStill slow(world.store, step, [&] { remove_while_it_stands_still(world, "a"); });
  world.put("a", content);
  world.put("b", "others go on");
  REQUIRE(world.run(slow).has_value());
  CHECK(world.queue->given_back() == std::vector<std::string>{"a"});
  CHECK(world.queue->acknowledged() == Acknowledged{{"b", Outcome::done}});
  CHECK(world.stored("b") == std::vector<std::string>{"others go on\n"});
  check_nothing_is_left(world, "a");
}

TEST_CASE("removal: one that stood still until the document came again leaves it alone") {
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());
  const std::string step = GENERATE("intents", "intend");
  CAPTURE(step);
  StandsStill slow(world.store, step, [&] {
    remove_while_it_stands_still(world, "a");
    REQUIRE(store_as_another(world, "a", "one").has_value());
  });
  world.ask_removal("a");
  REQUIRE(world.run(slow).has_value());
  CHECK(world.queue->given_back() == std::vector<std::string>{"a"});
  CHECK(world.queue->acknowledged().empty());
  CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
  CHECK(world.store.documents.at("a").current->id == VersionId::of("one", "test"));
  CHECK(world.store.intents.empty());
}

TEST_CASE("removal: what a slower worker stores between its steps goes when it comes again") {
  const std::string step = GENERATE("intents", "intend", "record", "forget");
  const bool was_known = GENERATE(true, false);
  CAPTURE(step, was_known);
  World world;
  if (was_known) {
    world.put("a", "one");
    REQUIRE(world.run().has_value());
  }
  StandsStill ledger(world.store, step,
                     [&] { REQUIRE(store_as_another(world, "a", "newer").has_value()); });
  world.ask_removal("a");
  REQUIRE(world.run(ledger).has_value());
  CHECK(world.queue->given_back() == std::vector<std::string>{"a"});
  CHECK(world.queue->acknowledged().empty());
  CHECK(world.store.documents.at("a").current->id == VersionId::of("newer", "test"));
  CHECK(world.stored("a") == std::vector<std::string>{"newer\n"});

  REQUIRE(world.run().has_value());
  CHECK(world.queue->acknowledged() == Acknowledged{{"a", Outcome::done}});
  check_nothing_is_left(world, "a");
}

TEST_CASE("removal: what a slower worker wrote between its steps goes though that one died") {
  World world;
  StandsStill ledger(world.store, "forget", [&] {
    world.store.break_step("record");
    REQUIRE_FALSE(store_as_another(world, "a", "newer").has_value());
    world.store.mend();
  });
  world.ask_removal("a");
  REQUIRE(world.run(ledger).has_value());
  CHECK(world.queue->given_back() == std::vector<std::string>{"a"});
  REQUIRE(world.stored("a") == std::vector<std::string>{"newer\n"});

  REQUIRE(world.run().has_value());
  check_nothing_is_left(world, "a");
}

TEST_CASE("removal: in one batch with a content of the document it leaves the store whole") {
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());
  world.put("a", "two", 2);
  world.claims.push_back({"a", {}, {}, {}});
  REQUIRE(world.run().has_value());
  const auto report = fsck(world.ledger, world.vectors, false, [](const auto&, const auto&) {});
  REQUIRE(report.has_value());
  CHECK(report->sound());
  CHECK(world.store.documents.contains("a") == !world.stored("a").empty());
  CHECK(world.queue->acknowledged().size() + world.queue->given_back().size() == 2);

  remove(world, "a");
  check_nothing_is_left(world, "a");
}

}  // namespace
}  // namespace penstock
