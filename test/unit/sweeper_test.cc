#include "engine/service/sweeper.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/service/document_view.h"
#include "test/support/catch.h"
#include "test/support/service_world.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start = WallTime(1h);

class World : public ServiceWorld {
 public:
  // Uploaded, and not in the queue yet.
  CatalogEntry upload(const std::string& id, const std::string& content = "content") {
    CatalogEntry entry;
    entry.name = {"t", id};
    entry.bytes = content.size();
    entry.digest = sha256(content);
    entry.location = id + '/' + content;
    entry.received = start;
    REQUIRE(catalog.reserve(entry.location, start).has_value());
    REQUIRE(blobs.write(entry.location, content).has_value());
    return catalog.add(entry, "").value().entry;
  }
  void sweep(WallTime now) { REQUIRE(try_to_sweep(now).has_value()); }
  Result<void> try_to_sweep(WallTime now) {
    return Sweeper::sweep(parts, {.enqueue_after = 5s, .remove_after = 1h, .at_once = 2}, place_,
                          now);
  }
  DocumentView view(const CatalogEntry& entry) {
    const CatalogEntry now = catalog.find(entry.name).value().value();
    return views_of({&now, 1}, broker, ledger).value().front();
  }
  Claim claim() { return worker->queue(Lane::interactive).claim().value(); }
  void record(const Claim& claim, Outcome outcome) {
    DocumentRecord record;
    record.claim = claim;
    record.outcome = outcome;
    record.times.done = start + 7s;
    REQUIRE(ledger.record({&record, 1}).has_value());
  }
  bool is_there(const std::string& location) { return blobs.read(location, 1'000).has_value(); }

  std::unique_ptr<SqliteBroker> worker = std::make_unique<SqliteBroker>(
      queue_file(), BrokerOptions{.worker = "w", .until_empty = true});

 private:
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
  CHECK(world.broker.state().value().interactive.waiting == 0);
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
  for (const char* name : {"a", "b", "c"}) {
    REQUIRE(world.catalog.reserve(name, start).has_value());
    REQUIRE(world.blobs.write(name, "x").has_value());
  }
  world.store.break_step("blobs.remove");
  CHECK_FALSE(world.try_to_sweep(start + 2h).has_value());
  world.store.mend();
  world.sweep(start + 2h);
  CHECK_FALSE(world.is_there("c"));
  CHECK(world.is_there("a"));
  world.sweep(start + 2h);
  CHECK_FALSE(world.is_there("a"));
  CHECK_FALSE(world.is_there("b"));
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
