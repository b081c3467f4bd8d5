#include "engine/backends/local/local_events.h"

#include <future>
#include <string>

#include "test/contract/events_contract.h"
#include "test/support/catch.h"
#include "test/support/heard_events.h"

namespace penstock {
namespace {

TEST_CASE("local events: keep the contract") {
  LocalEvents events;
  run_events_contract(events, events);
}

TEST_CASE("local events: of too many the latest are heard") {
  LocalEvents events;
  std::promise<void> called;
  std::promise<void> release;
  HeardEvents heard;
  const auto subscription =
      events.subscribe([&, hear = heard.listener(),
                        released = release.get_future().share()](const DocumentEvent& event) {
        if (event.key == "first") called.set_value();
        released.wait();
        hear(event);
      });
  events.publish(event_of("first"));
  called.get_future().wait();
  constexpr int published = 100'000;
  for (int i = 1; i <= published; ++i) events.publish(event_of(std::to_string(i)));
  release.set_value();
  heard.wait_for(std::to_string(published));
  const auto keys = heard.keys();
  REQUIRE(keys.size() > 1);
  CHECK(keys.size() < published / 2);
  int next = published - static_cast<int>(keys.size()) + 2;
  for (std::size_t i = 1; i < keys.size(); ++i, ++next) REQUIRE(keys[i] == std::to_string(next));
}

}  // namespace
}  // namespace penstock
