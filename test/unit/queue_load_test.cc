#include "loadgen/queue_load.h"

#include <string>
#include <vector>

#include "engine/backends/sqlite/sqlite_broker.h"
#include "test/support/catch.h"
#include "test/support/memory_blobs.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr const char* text = "a text of its own";

Shipment shipment(std::uint64_t number, const std::string& name, Lane lane = Lane::interactive) {
  Shipment made;
  made.number = number;
  made.name = name;
  made.lane = lane;
  // In pieces, as a made document is.
  made.content.parts = {{text, 7}, {text + 7, 10}};
  made.content.bytes = 17;
  return made;
}

struct World {
  explicit World(std::uint64_t documents_max = 1'000'000)
      : broker(folder.path("queue.db"), BrokerOptions{.documents_max = documents_max}) {}

  void send(QueueLoad& load, Shipment one) {
    Arrival arrival;
    arrival.lane = one.lane;
    journal.due(std::move(arrival));
    load.send(std::move(one));
  }
  // Until so many are accepted, or not.
  void wait_for(std::uint64_t answers) {
    journal.wait(std::chrono::steady_clock::now() + 1min, [&](const Journal::Counts& counts) {
      return counts.accepted + counts.missing == answers;
    });
  }
  std::optional<QueuedDocument> queued(const std::string& key) {
    return broker.find(std::vector<std::string>{key}).value().front();
  }

  const TempDir folder;
  SqliteBroker broker;
  MemoryStore store;
  MemoryBlobs blobs{store};
  Journal journal{std::chrono::steady_clock::now()};
};

TEST_CASE("queue load: a document is written whole and then queued in its lane") {
  World world;
  QueueLoad load(world.broker, world.blobs, {"folder", 10}, world.journal);
  world.send(load, shipment(0, "a.pdf"));
  world.send(load, shipment(1, "b.pdf", Lane::bulk));
  world.wait_for(2);
  load.stop();
  CHECK(world.journal.counts().accepted == 2);
  CHECK(world.store.blobs.at("folder/a.pdf") == text);
  CHECK(world.queued("a.pdf")->lane == Lane::interactive);
  CHECK(world.queued("a.pdf")->claim.location == "folder/a.pdf");
  CHECK(world.queued("a.pdf")->claim.stamp.bytes == 17);
  CHECK(world.queued("b.pdf")->lane == Lane::bulk);
  CHECK(load.state().sent_bytes == 34);
  const std::vector<Arrival> arrivals = world.journal.take();
  CHECK(arrivals[0].id == "a.pdf");
  CHECK(arrivals[0].issued <= arrivals[0].accepted);
}

TEST_CASE("queue load: what cannot be written is not queued") {
  World world;
  world.store.break_step("blobs.commit");
  QueueLoad load(world.broker, world.blobs, {"folder", 10}, world.journal);
  world.send(load, shipment(0, "a.pdf"));
  world.wait_for(1);
  load.stop();
  CHECK_FALSE(world.queued("a.pdf"));
  const Arrival arrival = world.journal.take().front();
  CHECK(arrival.ending == Ending::broken);
  CHECK(arrival.message.starts_with("folder/a.pdf: "));
}

TEST_CASE("queue load: a full lane refuses") {
  World world(1);
  QueueLoad load(world.broker, world.blobs, {"folder", 10}, world.journal);
  world.send(load, shipment(0, "a.pdf"));
  world.wait_for(1);
  world.send(load, shipment(1, "b.pdf"));
  world.wait_for(2);
  load.stop();
  const Arrival arrival = world.journal.take().back();
  CHECK(arrival.ending == Ending::refused);
  CHECK(arrival.message == "its lane of the queue is full");
}

TEST_CASE("queue load: a name that is queued already is refused") {
  World world;
  QueueLoad load(world.broker, world.blobs, {"folder", 10}, world.journal);
  world.send(load, shipment(0, "a.pdf"));
  world.wait_for(1);
  world.send(load, shipment(1, "a.pdf"));
  world.wait_for(2);
  load.stop();
  CHECK(world.journal.take().back().ending == Ending::refused);
}

TEST_CASE("queue load: more than may be on their way are dropped") {
  World world;
  QueueLoad load(world.broker, world.blobs, {"folder", 0}, world.journal);
  world.send(load, shipment(0, "a.pdf"));
  load.stop();
  const Arrival arrival = world.journal.take().front();
  CHECK(arrival.ending == Ending::dropped);
  CHECK_FALSE(arrival.issued);
}

}  // namespace
}  // namespace penstock
