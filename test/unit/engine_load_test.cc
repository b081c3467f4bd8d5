#include "loadgen/engine_load.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr const char* text = "a text of its own";

Content content() {
  Content made;
  made.parts = {{text, 7}, {text + 7, 10}};
  made.bytes = 17;
  return made;
}

// Reads what it is given and ends it, as a pipeline does; or gives up at the first.
class ReadingEngine final : public LocalEngine {
 public:
  std::uint32_t documents_in_flight_max() const override { return 2; }

  Result<void> run(WorkQueue& interactive, WorkQueue& bulk, BlobStore& contents) override {
    std::thread other([&] { work(bulk, contents); });
    work(interactive, contents);
    other.join();
    if (gives_up) return permanent_error("the store is of no use");
    return {};
  }
  void hurry() override {}

  bool gives_up = false;
  std::mutex mutex;
  std::vector<std::pair<std::string, std::string>> read;  // guarded by mutex; key and bytes

 private:
  void work(WorkQueue& queue, BlobStore& contents) {
    while (const std::optional<Claim> claim = queue.claim()) {
      if (gives_up) {
        queue.give_back(*claim);
        return;
      }
      const Result<MemoryFile> file = contents.read(claim->location, 100);
      {
        const std::lock_guard lock(mutex);
        read.emplace_back(claim->key, file ? std::string(file->bytes()) : file.error().message);
      }
      queue.acknowledge(*claim, Outcome::done, {});
    }
  }
};

Shipment shipment(std::uint64_t number, const std::string& name, Lane lane) {
  return {number, name, lane, content()};
}

TEST_CASE("engine load: documents of both lanes are read whole and end in the journal") {
  ReadingEngine engine;
  Feed feed;
  Journal journal(std::chrono::steady_clock::now());
  EngineLoad load(engine, feed, journal);
  journal.due({});
  load.send(shipment(0, "a", Lane::interactive));
  journal.due({});
  load.send(shipment(1, "b", Lane::bulk));
  CHECK(journal.wait(std::chrono::steady_clock::now() + 1min,
                     [](const Journal::Counts& counts) { return counts.ended == 2; }));
  load.stop();
  std::ranges::sort(engine.read);
  CHECK(engine.read == std::vector<std::pair<std::string, std::string>>{{"a", text}, {"b", text}});
  CHECK(load.state().sent_bytes == 34);
  CHECK(feed.state().value().interactive.leased == 0);
}

TEST_CASE("engine load: an engine that gives up ends the run and the feed says why") {
  ReadingEngine engine;
  engine.gives_up = true;
  Feed feed;
  Journal journal(std::chrono::steady_clock::now());
  EngineLoad load(engine, feed, journal);
  for (std::uint64_t number = 0; number < 2; ++number) {
    journal.due({});
    load.send(shipment(number, std::to_string(number), all_lanes[number]));
  }
  journal.wait(std::chrono::steady_clock::now() + 1min,
               [](const Journal::Counts&) { return false; });
  CHECK(journal.is_stopped());
  CHECK(feed.state().error().message == "the engine gave up: the store is of no use");
  CHECK_FALSE(feed.find(std::vector<std::string>{"0"}));
}

TEST_CASE("feed: a document waits and is taken and then gone") {
  using State = QueuedDocument::State;
  Feed feed;
  const std::vector<std::string> keys = {"a", "b"};
  feed.put("a", Lane::bulk, content());
  CHECK(feed.find(keys).value()[0]->state == State::waiting);
  CHECK_FALSE(feed.find(keys).value()[1]);
  CHECK(feed.state().value().bulk.waiting == 1);
  const Claim claim = feed.take(Lane::bulk).value();
  CHECK(claim.stamp.bytes == 17);
  CHECK(feed.find(keys).value()[0]->state == State::leased);
  CHECK(feed.contents().read(claim.location, 17).value().bytes() == text);
  CHECK(feed.contents().read(claim.location, 16).error().message == "17 bytes; the limit is 16");
  feed.ended(claim);
  CHECK_FALSE(feed.find(keys).value()[0]);
  CHECK_FALSE(feed.contents().read(claim.location, 17));
}

TEST_CASE("feed: what is given back is taken next unless the lane is closed") {
  Feed feed;
  feed.put("a", Lane::bulk, content());
  feed.put("b", Lane::bulk, content());
  feed.give_back(feed.take(Lane::bulk).value(), Lane::bulk);
  CHECK(feed.take(Lane::bulk)->key == "a");
  feed.close(Lane::bulk);
  CHECK_FALSE(feed.take(Lane::bulk));
  CHECK(feed.state().value().bulk.waiting == 1);
}

}  // namespace
}  // namespace penstock
