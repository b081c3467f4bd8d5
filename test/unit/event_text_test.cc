#include "engine/backends/redis/event_text.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("event text: it holds every field") {
  const WallTime at{std::chrono::milliseconds(1'732'000'000'123)};
  const std::vector<DocumentEvent> events = {
      {"a", Milestone::queued, Lane::bulk, at, {}, {}},
      {"b\n\\ c", Milestone::done, Lane::interactive, at, Outcome::corrupt, "page 3\n\ndamaged"}};
  const std::string text =
      "key a\n"
      "milestone queued\n"
      "lane bulk\n"
      "at_ms 1732000000123\n"
      "\n"
      "key b\\n\\\\ c\n"
      "milestone done\n"
      "lane interactive\n"
      "at_ms 1732000000123\n"
      "outcome corrupt\n"
      "message page 3\\n\\ndamaged\n"
      "\n";
  CHECK(to_text(events) == text);
  CHECK(to_text(parse_events(text)) == text);
}

TEST_CASE("event text: what another version adds is passed over") {
  const auto events = parse_events(
      "colour blue\nlane bulk\nkey a\nalone\nat_ms 7\nmilestone stored\n\n"
      "key b\nmilestone painted\nlane bulk\nat_ms 8\n\n"
      "key c\nmilestone stored\nlane bulk\nat_ms 9\n\n");
  REQUIRE(events.size() == 2);
  CHECK(events[0].key == "a");
  CHECK(events[0].milestone == Milestone::stored);
  CHECK(events[0].at.time_since_epoch().count() == 7);
  CHECK(events[1].key == "c");
}

TEST_CASE("event text: what lacks a field or has a wrong one is no event") {
  CHECK(parse_events("key a\nmilestone stored\nlane bulk\nat_ms 1\n\n").size() == 1);
  for (const char* text : {
           "",
           "\n\n\n",
           "milestone stored\nlane bulk\nat_ms 1\n\n",
           "key \nmilestone stored\nlane bulk\nat_ms 1\n\n",
           "key a\nlane bulk\nat_ms 1\n\n",
           "key a\nmilestone stored\nat_ms 1\n\n",
           "key a\nmilestone stored\nlane bulk\n\n",
           "key a\nmilestone stored\nlane bulk\nat_ms 1\n",
           "key a\nmilestone stored\nlane middle\nat_ms 1\n\n",
           "key a\nmilestone stored\nlane bulk\nat_ms -1\n\n",
           "key a\nmilestone stored\nlane bulk\nat_ms 1x\n\n",
           "key a\nmilestone stored\nlane bulk\nat_ms 253402300800000\n\n",
           "key \xff\nmilestone stored\nlane bulk\nat_ms 1\n\n",
           "key a\nmilestone stored\nlane bulk\nat_ms 1\nmessage \xff\n\n",
           "key a\nmilestone done\nlane bulk\nat_ms 1\n\n",
           "key a\nmilestone done\nlane bulk\nat_ms 1\noutcome eaten\n\n",
       }) {
    CAPTURE(text);
    CHECK(parse_events(text).empty());
  }
}

}  // namespace
}  // namespace penstock
