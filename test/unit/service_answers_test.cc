#include "loadgen/service_answers.h"

#include <string>
#include <vector>

#include "engine/http/http_server.h"
#include "loadgen/service_client.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> heard_of(EventLines& lines, std::string_view text, std::size_t piece) {
  std::vector<std::string> heard;
  for (std::size_t at = 0; at < text.size(); at += piece)
    REQUIRE(lines.feed(text.substr(at, piece),
                       [&](const Json& event) { heard.push_back(json_text(event)); }));
  return heard;
}

TEST_CASE("service answers: a time is one that calendar and clock have") {
  CHECK(wall_time_from("1970-01-01T00:00:01.250Z") == WallTime(1'250ms));
  CHECK(wall_time_from("2024-02-29T23:59:59.999Z"));
  for (const char* none :
       {"", "now", "2023-02-29T00:00:00.000Z", "2024-13-01T00:00:00.000Z",
        "2024-01-01T24:00:00.000Z", "2024-01-01T00:60:00.000Z", "2024-01-01T00:00:60.000Z",
        "2024-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"}) {
    INFO(none);
    CHECK_FALSE(wall_time_from(none));
  }
}

TEST_CASE("service answers: what is of another type than it should be says nothing") {
  for (const char* text : {"{}", R"({"now":5,"queue":7,"timeline":[],"state":{},"pages":-1})",
                           R"({"queue":{"bulk":[1]},"timeline":{"received":{}},"pages":"7"})"}) {
    INFO(text);
    const Json answer = Json::parse(text);
    CHECK_FALSE(time_in(answer, "now"));
    CHECK(depth_in(answer).value_or(Depth{}).waiting == 0);
    CHECK_FALSE(has_ended(answer));
    Arrival arrival;
    arrival.received = 1s;
    arrival.pages = 3;
    take_document(arrival, answer, [](WallTime) { return Offset(7); });
    CHECK_FALSE(arrival.received);
    CHECK(arrival.pages == 0);
    CHECK(arrival.ending == Ending::in_flight);
  }
}

TEST_CASE("service answers: a service that does not tell the time is no service") {
  HttpServer server({}, [](const ServedRequest&, const Responder& responder) {
    responder.respond(200, {{"Content-Type", "application/json"}}, R"({"now":1764291723456})");
  });
  ServiceClient client("http://" + server.address(), Secret());
  const Result<ClockSight> sight = client.clock();
  REQUIRE_FALSE(sight);
  CHECK(sight.error().message.ends_with("/v1/overview does not tell the time to milliseconds"));
}

TEST_CASE("service answers: events are the same however their stream is cut") {
  const std::string stream =
      ": a sign of life\n\ndata: {\"id\":\"a\"}\nevent: x\ndata: 7\ndata: {\"id\":\n"
      "data: {\"id\":\"b\"}\ndata: {\"id\":\"c\"}";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EventLines lines;
    CHECK(heard_of(lines, stream, piece) ==
          std::vector<std::string>{R"({"id":"a"})", R"({"id":"b"})"});
    lines.clear();
    CHECK(heard_of(lines, "data: {}\n", piece) == std::vector<std::string>{"{}"});
  }
}

TEST_CASE("service answers: a line of events without an end is not kept for ever") {
  EventLines lines;
  const std::string piece(1 << 19, 'x');
  const auto feed = [&] { return lines.feed(piece, [](const Json&) {}); };
  CHECK(feed());
  CHECK(feed());
  CHECK_FALSE(feed());
}

}  // namespace
}  // namespace penstock
