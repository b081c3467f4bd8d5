#include "engine/pipeline/fsck.h"

#include "engine/pipeline/pending_queue.h"
#include "engine/pipeline/store_writer.h"
#include "test/pipeline/world.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

struct Checked {
  FsckReport report;
  std::vector<std::string> findings;
};

Checked check(World& world, bool repair) {
  Checked checked;
  const auto report = fsck(world.ledger, world.vectors, repair,
                           [&](const std::string& key, const std::string& what) {
                             checked.findings.push_back(key + ": " + what);
                           });
  REQUIRE(report.has_value());
  checked.report = *report;
  return checked;
}

// Two documents, stored.
void fill(World& world) {
  world.put("a", "one");
  world.put("b", "two");
  REQUIRE(world.run().has_value());
}

void store_version(World& world, const std::string& key, const std::string& content) {
  Chunk chunk;
  chunk.text = content;
  const std::vector<float> vector = {1, 0};
  const VersionChunks version = {key, VersionId::of(content, "test"), std::span(&chunk, 1), vector};
  REQUIRE(world.vectors.upsert(std::span(&version, 1)).has_value());
}

TEST_CASE("fsck: a sound store gives no finding") {
  World world;
  fill(world);
  const Checked checked = check(world, false);
  CHECK(checked.report.sound());
  CHECK(checked.report.documents == 2);
  CHECK(checked.report.versions == 2);
  CHECK(checked.findings.empty());
}

TEST_CASE("fsck: versions that are not current are found and removed") {
  World world;
  fill(world);
  store_version(world, "a", "older");
  store_version(world, "nobody", "words");

  const std::vector<std::string> findings = {
      "a: version " + VersionId::of("older", "test").hex() + " is stored and not current",
      "nobody: version " + VersionId::of("words", "test").hex() + " is stored and not current"};
  Checked checked = check(world, false);
  CHECK_FALSE(checked.report.sound());
  CHECK(checked.report.stale == 2);
  CHECK(checked.findings == findings);

  checked = check(world, true);
  CHECK(checked.report.sound());
  CHECK(checked.report.repaired == 2);
  CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
  CHECK(world.stored("nobody").empty());
  CHECK(check(world, false).findings.empty());
}

TEST_CASE("fsck: documents with missing vectors are found, and mended by the next run") {
  World world;
  fill(world);
  world.store.versions.erase({"a", VersionId::of("one", "test")});

  Checked checked = check(world, false);
  CHECK_FALSE(checked.report.sound());
  CHECK(checked.findings ==
        std::vector<std::string>{"a: 1 chunks expected; stored are 0 chunks and 0 vectors"});

  checked = check(world, true);
  CHECK(checked.report.sound());
  CHECK(world.store.documents.at("a").outcome == Outcome::pending);
  REQUIRE(world.run().has_value());
  CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
  CHECK(check(world, false).findings.empty());
}

TEST_CASE("fsck: a document whose run was stopped is no damage") {
  World world;
  fill(world);
  const VersionName intent = {"a", VersionId::of("newer", "test")};
  REQUIRE(world.ledger.intend(std::span(&intent, 1)).has_value());
  store_version(world, "a", "newer");

  Checked checked = check(world, false);
  CHECK(checked.report.sound());
  CHECK(checked.report.interrupted == 1);
  CHECK(checked.findings.empty());

  checked = check(world, true);
  CHECK(world.store.intents.empty());
  CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
}

TEST_CASE("recover: keeps what became current, removes what did not") {
  World world;
  fill(world);
  store_version(world, "a", "newer");      // stopped before `record`
  store_version(world, "b", "older");      // stopped before the old version was removed
  store_version(world, "new", "unknown");  // stopped in its first run
  const std::vector<VersionName> intents = {{"a", VersionId::of("one", "test")},
                                            {"a", VersionId::of("newer", "test")},
                                            {"b", VersionId::of("older", "test")},
                                            {"b", VersionId::of("two", "test")},
                                            {"new", VersionId::of("unknown", "test")}};
  REQUIRE(world.ledger.intend(intents).has_value());

  const auto recovered = recover(world.ledger, world.vectors);
  REQUIRE(recovered.has_value());
  CHECK(*recovered == 3);
  CHECK(world.stored("a") == std::vector<std::string>{"one\n"});
  CHECK(world.stored("b") == std::vector<std::string>{"two\n"});
  CHECK(world.stored("new").empty());
  CHECK(world.store.intents.empty());
}

TEST_CASE("recover: a version that another worker makes current meanwhile stays") {
  // Records what it has intended, as late as it is not refused.
  class Busy final : public MemoryLedger {
   public:
    using MemoryLedger::MemoryLedger;
    Result<void> intend(std::span<const VersionName> intents) override {
      DocumentRecord record;
      record.claim.key = "a";
      record.outcome = Outcome::done;
      record.current = CurrentVersion{VersionId::of("newer", "test"), 1, 1, 1};
      REQUIRE(this->record(std::span(&record, 1)).value().empty());
      return MemoryLedger::intend(intents);
    }
  };
  World world;
  fill(world);
  store_version(world, "a", "newer");
  const std::vector<VersionName> intents = {{"a", VersionId::of("one", "test")},
                                            {"a", VersionId::of("newer", "test")}};
  REQUIRE(world.ledger.intend(intents).has_value());

  Busy ledger(world.store);
  REQUIRE(recover(ledger, world.vectors).has_value());
  CHECK(world.stored("a") == std::vector<std::string>{"newer"});
  CHECK(world.store.intents.empty());
}

TEST_CASE("remove documents: stopped at any step, what is left is sound, and can be removed") {
  const std::string step = GENERATE("intend", "record", "remove", "forget");
  CAPTURE(step);
  World world;
  fill(world);
  const std::vector<DocumentRecord> documents = {world.store.documents.at("a")};

  world.store.break_step(step);
  CHECK_FALSE(remove_documents(world.ledger, world.vectors, documents).has_value());
  world.store.mend();
  REQUIRE(recover(world.ledger, world.vectors).has_value());
  const Checked checked = check(world, false);
  CHECK(checked.report.sound());
  CHECK(checked.findings.empty());

  REQUIRE(remove_documents(world.ledger, world.vectors, documents).has_value());
  CHECK_FALSE(world.store.documents.contains("a"));
  CHECK(world.stored("a").empty());
  CHECK(world.store.intents.empty());
  CHECK(world.stored("b") == std::vector<std::string>{"two\n"});
}

TEST_CASE("pending queue: hands out what is pending, under today's stamp") {
  World world;
  fill(world);
  REQUIRE(world.ledger.put_back("b").has_value());
  PendingQueue queue(world.ledger, [](const std::string& location) {
    CHECK(location == "b");
    return SourceStamp{9, 9, 9};
  });
  CHECK(queue.size() == 1);
  const std::optional<Claim> claim = queue.claim();
  REQUIRE(claim.has_value());
  CHECK(claim->key == "b");
  CHECK(claim->stamp.bytes == 9);
  CHECK_FALSE(queue.claim().has_value());
}

TEST_CASE("pending queue: goes on with a removal that stopped half-way") {
  World world;
  fill(world);
  world.ask_removal("a");
  world.store.break_step("forget");
  REQUIRE_FALSE(world.run().has_value());
  world.store.mend();

  PendingQueue queue(world.ledger, [](const std::string&) { return std::nullopt; });
  CHECK(queue.size() == 1);
  const std::optional<Claim> claim = queue.claim();
  REQUIRE(claim.has_value());
  CHECK(claim->key == "a");
  CHECK(claim->is_removal());
}

}  // namespace
}  // namespace penstock
