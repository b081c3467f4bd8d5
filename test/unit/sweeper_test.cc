#include "engine/service/sweeper.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/backends/local/local_events.h"
#include "engine/backends/local/local_files.h"
#include "engine/backends/sqlite/sqlite_broker.h"
#include "engine/service/document_view.h"
#include "test/support/catch.h"
#include "test/support/memory_catalog.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start = WallTime(1h);

// A service without its server.
class World {
 public:
  World()
      : parts_{catalog,
               *broker,
               ledger,
               vectors_,
               files_,
               events_,
               metrics_,
               admission_,
               tracker_,
               threads_,
               folder_.path("blobs"),
               "",
               Secret("s"),
               [](const std::string&) { return Result<std::vector<float>>(); },
               [](const std::vector<WorkerReport>&) { return std::vector<BudgetUse>(); },
               [](Metrics&) {},
               [this](const std::string& line) { log.push_back(line); }} {}

  // Uploaded, and not in the queue yet.
  CatalogEntry upload(const std::string& id, const std::string& content = "content") {
    CatalogEntry entry;
    entry.name = {"t", id};
    entry.bytes = content.size();
    entry.digest = sha256(content);
    entry.location = folder_.path("blobs/" + id + content);
    entry.received = start;
    REQUIRE(catalog.reserve(entry.location, start).has_value());
    REQUIRE(files_.write(entry.location, content).has_value());
    return catalog.add(entry, "").value().entry;
  }
  void sweep(WallTime now) { REQUIRE(try_to_sweep(now).has_value()); }
  Result<void> try_to_sweep(WallTime now) {
    return Sweeper::sweep(parts_, {.enqueue_after = 5s, .remove_after = 1h, .at_once = 2}, place_,
                          now);
  }
  DocumentView view(const CatalogEntry& entry) {
    const CatalogEntry now = catalog.find(entry.name).value().value();
    return views_of({&now, 1}, *broker, ledger).value().front();
  }
  Claim claim() { return worker->queue(Lane::interactive).claim().value(); }
  void record(const Claim& claim, Outcome outcome) {
    DocumentRecord record;
    record.claim = claim;
    record.outcome = outcome;
    record.times.done = start + 7s;
    REQUIRE(ledger.record({&record, 1}).has_value());
  }
  std::string path(const std::string& name) const { return folder_.path("blobs/" + name); }
  bool write(const std::string& name) { return files_.write(path(name), "x").has_value(); }
  bool is_there(const std::string& location) { return files_.read(location, 1'000).has_value(); }

  MemoryStore store;
  MemoryCatalog catalog{store};
  MemoryLedger ledger{store};
  std::vector<std::string> log;

 private:
  TempDir folder_;

 public:
  std::unique_ptr<SqliteBroker> broker =
      std::make_unique<SqliteBroker>(folder_.path("q.db"), BrokerOptions());
  std::unique_ptr<SqliteBroker> worker = std::make_unique<SqliteBroker>(
      folder_.path("q.db"), BrokerOptions{.worker = "w", .until_empty = true});

 private:
  MemoryVectors vectors_{store};
  LocalFiles files_;
  LocalEvents events_;
  Metrics metrics_;
  AdmissionControl admission_{AdmissionLimits()};
  Tracker tracker_{events_, metrics_};
  IoThreads threads_{1};
  ServiceParts parts_;
  SweeperPlace place_;
};

TEST_CASE("sweeper: what did not get into the queue is put there once it is old enough") {
  World world;
  const CatalogEntry entry = world.upload("a");
  CHECK(world.view(entry).state == DocumentState::received);
  world.sweep(start + 5s);
  CHECK(world.view(entry).state == DocumentState::received);
  world.sweep(start + 6s);
  CHECK(world.view(entry).state == DocumentState::queued);
  const Claim claim = world.claim();
  CHECK(claim.key == "t/a");
  CHECK(claim.location == entry.location);
  CHECK(world.broker->state().value().interactive.waiting == 0);
}

TEST_CASE("sweeper: a removed document is forgotten once queue and ledger know it no more") {
  World world;
  const CatalogEntry entry = world.upload("a");
  world.sweep(start + 6s);
  const Claim first = world.claim();
  world.record(first, Outcome::no_text);
  world.worker->queue(Lane::interactive).acknowledge(first, Outcome::no_text, {});
  REQUIRE(world.catalog.remove(entry.name, start + 8s).value().has_value());
  world.sweep(start + 20s);
  CHECK(world.catalog.find(entry.name).value().has_value());
  const Claim removal = world.claim();
  CHECK(removal.is_removal());
  const bool ledger_is_first = GENERATE(true, false);
  const auto forget = [&] {
    REQUIRE(world.ledger.forget(std::vector<std::string>{"t/a"}).has_value());
  };
  if (ledger_is_first) forget();
  if (!ledger_is_first) {
    world.worker->queue(Lane::interactive).acknowledge(removal, Outcome::done, {});
    world.worker.reset();  // delivers it
  }
  world.sweep(start + 21s);
  CHECK(world.catalog.find(entry.name).value().has_value());
  if (ledger_is_first) {
    world.worker->queue(Lane::interactive).acknowledge(removal, Outcome::done, {});
    world.worker.reset();
  } else {
    forget();
  }
  world.sweep(start + 22s);
  CHECK_FALSE(world.catalog.find(entry.name).value().has_value());
}

TEST_CASE("sweeper: blobs that are nobody's go when they are old and no others") {
  World world;
  const CatalogEntry kept = world.upload("a");
  const CatalogEntry old = world.upload("b", "old");
  const CatalogEntry replacing = world.upload("b", "new");
  world.sweep(start + 59min);
  CHECK(world.is_there(old.location));
  world.sweep(wall_now() + 2h);
  CHECK_FALSE(world.is_there(old.location));
  CHECK(world.is_there(kept.location));
  CHECK(world.is_there(replacing.location));
}

TEST_CASE("sweeper: what cannot be forgotten stands in nobody's way") {
  World world;
  std::vector<CatalogEntry> entries;
  for (const char* id : {"a", "b", "c"}) entries.push_back(world.upload(id));
  for (const CatalogEntry& entry : entries) {
    REQUIRE(world.catalog.remove(entry.name, start).value().has_value());
    const CatalogEntry removed = world.catalog.find(entry.name).value().value();
    REQUIRE(world.catalog.mark_queued({&removed, 1}, start).has_value());
  }
  // Of the first two, a worker has still to remove what the ledger knows.
  for (const char* key : {"t/a", "t/b"}) {
    Claim claim;
    claim.key = key;
    world.record(claim, Outcome::done);
  }
  world.sweep(start + 1s);
  CHECK(world.catalog.find(entries[2].name).value().has_value());
  world.sweep(start + 2s);
  CHECK_FALSE(world.catalog.find(entries[2].name).value().has_value());
  REQUIRE(world.ledger.forget(std::vector<std::string>{"t/a", "t/b"}).has_value());
  world.sweep(start + 3s);
  CHECK_FALSE(world.catalog.find(entries[0].name).value().has_value());
  CHECK_FALSE(world.catalog.find(entries[1].name).value().has_value());
}

TEST_CASE("sweeper: blobs that cannot be removed stand in nobody's way") {
  World world;
  // A folder that is not empty is no blob.
  for (const char* name : {"a", "b"}) {
    REQUIRE(world.catalog.reserve(world.path(name), start).has_value());
    REQUIRE(world.write(std::string(name) + "/file"));
  }
  REQUIRE(world.catalog.reserve(world.path("c"), start + 1s).has_value());
  REQUIRE(world.write("c"));
  CHECK_FALSE(world.try_to_sweep(start + 2h).has_value());
  CHECK(world.is_there(world.path("c")));
  world.sweep(start + 2h);
  CHECK_FALSE(world.is_there(world.path("c")));
  CHECK_FALSE(world.try_to_sweep(start + 2h).has_value());
}

TEST_CASE("document view: a failure stands when nothing is left in the queue") {
  World world;
  const CatalogEntry entry = world.upload("a");
  world.sweep(start + 6s);
  const Claim claim = world.claim();
  CHECK(world.view(entry).state == DocumentState::processing);
  world.record(claim, Outcome::encrypted);
  // It may be tried again, as far as the ledger knows.
  CHECK(world.view(entry).state == DocumentState::processing);
  world.worker->queue(Lane::interactive).acknowledge(claim, Outcome::encrypted, "needs a password");
  world.worker.reset();
  const DocumentView failed = world.view(entry);
  CHECK(failed.state == DocumentState::failed);
  CHECK(failed.outcome == Outcome::encrypted);
  CHECK(failed.message == "needs a password");
  CHECK(failed.times.done == start + 7s);
}

TEST_CASE("document view: what is done is done before the queue has heard of it") {
  World world;
  const CatalogEntry entry = world.upload("a");
  world.sweep(start + 6s);
  const Claim claim = world.claim();
  world.record(claim, Outcome::no_text);
  CHECK(world.view(entry).state == DocumentState::done);
  CHECK(world.view(entry).outcome == Outcome::no_text);
  // Another content of it is another matter.
  const CatalogEntry next = world.upload("a", "new");
  CHECK(world.view(next).state == DocumentState::processing);
  CHECK_FALSE(world.view(next).outcome.has_value());
}

TEST_CASE("document view: times are spelled as the standards have them") {
  const WallTime time(1'795'833'820'089ms);
  CHECK(text_of(time) == "2026-11-28T02:43:40.089Z");
  CHECK(http_date(time) == "Sat, 28 Nov 2026 02:43:40 GMT");
}

}  // namespace
}  // namespace penstock
