// Anything as a message of the events' channel.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backends/redis/event_text.h"
#include "test/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const std::vector<DocumentEvent> events =
      parse_events({reinterpret_cast<const char*>(data), size});
  const std::string text = to_text(events);
  const std::vector<DocumentEvent> again = parse_events(text);
  REQUIRE(again.size() == events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    REQUIRE(!events[i].key.empty() && again[i].key == events[i].key);
    REQUIRE(events[i].milestone != Milestone::done || events[i].outcome);
    REQUIRE(again[i].message == events[i].message);
  }
  REQUIRE(to_text(again) == text);
  return 0;
}
