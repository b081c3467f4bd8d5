#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/pipeline/world.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

// What is told of each document.
class Watched {
 public:
  explicit Watched(World& world)
      : subscription_(world.events.subscribe(
            [this](const DocumentEvent& event) { events_[event.key].push_back(event); })) {}

  const std::vector<DocumentEvent>& of(const std::string& key) { return events_[key]; }
  std::string milestones(const std::string& key) {
    std::string joined;
    for (const DocumentEvent& event : of(key)) {
      if (!joined.empty()) joined += ' ';
      joined += name_of(event.milestone);
    }
    return joined;
  }

 private:
  std::map<std::string, std::vector<DocumentEvent>> events_;
  const std::unique_ptr<Subscription> subscription_;
};

// The stages that the document has a time of.
std::string times(World& world, const std::string& key) {
  const DocumentTimes& times = world.store.documents.at(key).times;
  std::string joined;
  for (std::size_t i = 0; i < all_document_times.size(); ++i) {
    if (!(times.*all_document_times[i])) continue;
    if (!joined.empty()) joined += ' ';
    joined += name_of(static_cast<Milestone>(i + static_cast<std::size_t>(Milestone::started)));
  }
  return joined;
}

TEST_CASE("milestones: a document's way is told as it goes and kept with its record") {
  World world;
  world.with_cache = true;
  world.put("a", "one");
  world.put("copy", "one");
  world.put("locked", "!encrypted needs a password");
  world.put("scan", "!no_text");
  world.put("large", "words");
  world.options.document_bytes_max = 100;
  world.claims.back().stamp.bytes = 101;
  world.put_interactive("urgent", "now");
  Watched watched(world);
  REQUIRE(world.run().has_value());

  const std::map<std::string, std::string> ways = {
      {"a", "started extracted embedded stored done"},
      {"copy", "started extracted embedded stored done"},
      {"locked", "started done"},
      {"scan", "started extracted done"},
      {"large", "started done"},
      {"urgent", "started extracted embedded stored done"}};
  for (const auto& [key, way] : ways) {
    INFO(key);
    CHECK(watched.milestones(key) == way);
    CHECK(times(world, key) == way);
    for (const DocumentEvent& event : watched.of(key)) {
      INFO(name_of(event.milestone));
      const auto stage =
          static_cast<std::size_t>(event.milestone) - static_cast<std::size_t>(Milestone::started);
      CHECK(world.store.documents.at(key).times.*all_document_times.at(stage) == event.at);
      CHECK(event.lane == (key == "urgent" ? Lane::interactive : Lane::bulk));
      CHECK(event.outcome.has_value() == (event.milestone == Milestone::done));
    }
  }
  CHECK(watched.of("a").back().outcome == Outcome::done);
  CHECK(watched.of("a").back().message.empty());
  CHECK(watched.of("locked").back().outcome == Outcome::encrypted);
  CHECK(watched.of("locked").back().message == "needs a password");
  CHECK(watched.of("scan").back().outcome == Outcome::no_text);
}

TEST_CASE("milestones: what is unchanged is told as done and keeps the times it had") {
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());
  // Of another day, so that they are told from new ones.
  DocumentTimes& kept = world.store.documents.at("a").times;
  kept = {WallTime(std::chrono::milliseconds(1)), WallTime(std::chrono::milliseconds(2)),
          WallTime(std::chrono::milliseconds(3)), WallTime(std::chrono::milliseconds(4)),
          WallTime(std::chrono::milliseconds(5))};
  const DocumentTimes before = kept;

  SECTION("by its stamp") {}
  SECTION("by its content") {
    world.put("a", "one", 2);
  }
  Watched watched(world);
  REQUIRE(world.run().has_value());
  REQUIRE(world.ended("a").unchanged);
  CHECK(world.store.documents.at("a").times == before);
  CHECK(watched.milestones("a") == "started done");
  CHECK(watched.of("a").back().outcome == Outcome::done);
}

TEST_CASE("milestones: what is known needs no request and is embedded all the same") {
  World world;
  world.with_cache = true;
  world.put("a", "one");
  REQUIRE(world.run().has_value());
  world.put("b", "one");
  Watched watched(world);
  REQUIRE(world.run().has_value());
  REQUIRE(world.embedder.requests == 0);
  CHECK(watched.milestones("b") == "started extracted embedded stored done");
}

TEST_CASE("milestones: what gets no outcome here is not told as done") {
  World world;
  world.put("a", "one");
  world.store.break_step("record");
  Watched watched(world);
  REQUIRE_FALSE(world.run().has_value());
  CHECK(watched.milestones("a") == "started extracted embedded stored");
}

TEST_CASE("milestones: of a removal nothing is told") {
  World world;
  world.put("a", "one");
  REQUIRE(world.run().has_value());
  world.ask_removal("a");
  Watched watched(world);
  REQUIRE(world.run().has_value());
  CHECK(watched.of("a").empty());
}

TEST_CASE("milestones: a dry run tells of none that is done") {
  World world;
  world.options.measure_only = true;
  world.put("a", "one");
  Watched watched(world);
  REQUIRE(world.run().has_value());
  CHECK(watched.milestones("a") == "started extracted");
}

}  // namespace
}  // namespace penstock
