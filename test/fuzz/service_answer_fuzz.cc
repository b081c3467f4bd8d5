// What any service answers a capacity run: its overview, its documents, and a stream of events in
// pieces as long as the first byte says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/json.h"
#include "loadgen/service_answers.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

constexpr WallTime first_time{};
constexpr WallTime last_time = std::chrono::sys_days(std::chrono::year(2200) / 1 / 1);

void check_time(std::string_view text) {
  const auto time = wall_time_from(text);
  if (!time) return;
  REQUIRE(*time >= first_time && *time < last_time);
  // Its digits say the same.
  const auto day = std::chrono::floor<std::chrono::days>(*time);
  const std::chrono::year_month_day date(day);
  const std::string year = std::to_string(static_cast<int>(date.year()));
  REQUIRE(text.substr(0, 4) == year);
  const auto millis = (*time - day).count() % 1'000;
  REQUIRE(std::stoll(std::string(text.substr(20, 3))) == millis);
}

void check_document(const Json& document) {
  Arrival arrival;
  arrival.outcome = "another's";
  take_document(arrival, document, [](WallTime time) {
    REQUIRE(time >= first_time && time < last_time);
    return Offset(time.time_since_epoch());
  });
  REQUIRE(arrival.outcome == text_in(document, "outcome"));
  const bool is_over = arrival.ending == Ending::done || arrival.ending == Ending::failed;
  REQUIRE(is_over == has_ended(document));
}

void check_answer(std::string_view body) {
  const Json answer = Json::parse(body, nullptr, false);
  static_cast<void>(depth_in(answer));
  static_cast<void>(time_in(answer, "now"));
  check_document(answer);
}

std::vector<std::string> heard_of(std::string_view stream, std::size_t piece) {
  std::vector<std::string> heard;
  EventLines lines;
  for (std::size_t at = 0; at < stream.size(); at += piece)
    REQUIRE(lines.feed(stream.substr(at, piece), [&](const Json& event) {
      REQUIRE(event.is_object());
      heard.push_back(json_text(event));
    }));
  return heard;
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_time(text);
  check_answer(text);
  REQUIRE(heard_of(text, std::max<std::size_t>(data[0], 1)) ==
          heard_of(text, std::max<std::size_t>(text.size(), 1)));
  return 0;
}
