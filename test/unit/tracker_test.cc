#include "engine/service/tracker.h"

#include <chrono>
#include <string>

#include "test/support/catch.h"
#include "test/support/memory_events.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start = WallTime(1h);

class World {
 public:
  void tell(const std::string& key, Milestone milestone, std::chrono::milliseconds at,
            std::optional<Outcome> outcome = {}) {
    events_.publish({key, milestone, Lane::interactive, start + at, outcome, {}});
  }
  bool has_line(const std::string& line) const {
    return metrics_.text().find("\n" + line + "\n") != std::string::npos;
  }

 private:
  MemoryEvents events_;
  Metrics metrics_;

 public:
  Tracker tracker{events_, metrics_};
};

TEST_CASE("tracker: what was heard of a document is remembered and its stages are timed") {
  World world;
  world.tell("a", Milestone::received, 0ms);
  // The news of the queue may come after that of the start.
  world.tell("a", Milestone::started, 200ms);
  world.tell("a", Milestone::queued, 100ms);
  CHECK(world.tracker.times_of("a")->started == start + 200ms);
  CHECK_FALSE(world.tracker.times_of("a")->extracted.has_value());
  world.tell("a", Milestone::extracted, 300ms);
  world.tell("a", Milestone::embedded, 500ms);
  world.tell("a", Milestone::stored, 900ms);
  world.tell("a", Milestone::done, 901ms, Outcome::done);
  CHECK_FALSE(world.tracker.times_of("b").has_value());
  const auto latencies = world.tracker.latencies();
  REQUIRE(latencies.size() == 5);
  CHECK(latencies[0].p50 == 200ms);
  CHECK(latencies[1].p50 == 100ms);
  CHECK(latencies[2].p95 == 200ms);
  CHECK(latencies[3].p95 == 400ms);
  CHECK(latencies[4].p50 == 901ms);
  CHECK(latencies[4].documents == 1);
  CHECK(world.has_line(R"(penstock_documents_total{lane="interactive",outcome="done"} 1)"));
}

TEST_CASE("tracker: a second attempt is no second start") {
  World world;
  world.tell("a", Milestone::received, 0s);
  world.tell("a", Milestone::started, 11s);
  world.tell("a", Milestone::started, 60s);
  CHECK(world.has_line(R"(penstock_late_starts_total{lane="interactive"} 1)"));
  CHECK(world.has_line(R"(penstock_start_delay_seconds_count{lane="interactive"} 1)"));
  // Another content is.
  world.tell("a", Milestone::received, 100s);
  CHECK_FALSE(world.tracker.times_of("a")->started.has_value());
  world.tell("a", Milestone::started, 101s);
  CHECK(world.has_line(R"(penstock_start_delay_seconds_count{lane="interactive"} 2)"));
}

TEST_CASE("tracker: a document that no service received counts by its outcome only") {
  World world;
  world.tell("/papers/a.pdf", Milestone::started, 0s);
  world.tell("/papers/a.pdf", Milestone::done, 1s, Outcome::encrypted);
  CHECK(world.has_line(R"(penstock_documents_total{lane="interactive",outcome="encrypted"} 1)"));
  CHECK(world.has_line(R"(penstock_document_seconds_count{lane="interactive"} 0)"));
  CHECK(world.tracker.latencies()[4].documents == 0);
}

}  // namespace
}  // namespace penstock
