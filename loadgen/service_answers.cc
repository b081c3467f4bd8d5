#include "loadgen/service_answers.h"

#include <charconv>

namespace penstock {
namespace {

constexpr std::size_t line_bytes_max = 1 << 20;
constexpr std::string_view data = "data: ";

}  // namespace

std::optional<WallTime> wall_time_from(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok() || number(0, 4) < 1970 || number(0, 4) >= 2200) return std::nullopt;
  const std::chrono::hours hours(number(11, 2));
  const std::chrono::minutes minutes(number(14, 2));
  const std::chrono::seconds seconds(number(17, 2));
  if (hours.count() > 23 || minutes.count() > 59 || seconds.count() > 59) return std::nullopt;
  return std::chrono::sys_days(day) + hours + minutes + seconds +
         std::chrono::milliseconds(number(20, 3));
}

std::optional<WallTime> time_in(const Json& object, const char* name) {
  return wall_time_from(text_in(object, name));
}

std::optional<Depth> depth_in(const Json& overview) {
  const auto queue = overview.find("queue");
  if (queue == overview.end()) return std::nullopt;
  Depth depth;
  for (const char* name : {"interactive", "bulk"}) {
    const auto lane = queue->find(name);
    if (lane == queue->end()) continue;
    depth.waiting += number_in(*lane, "waiting") + number_in(*lane, "delayed");
    depth.working += number_in(*lane, "leased");
  }
  return depth;
}

bool has_ended(const Json& document) {
  const std::string state = text_in(document, "state");
  return state == "done" || state == "failed";
}

void take_document(Arrival& arrival, const Json& document,
                   const std::function<Offset(WallTime)>& offset_of) {
  const auto timeline = document.find("timeline");
  const auto reached = [&](const char* name) -> std::optional<Offset> {
    if (timeline == document.end()) return std::nullopt;
    const auto time = time_in(*timeline, name);
    if (!time) return std::nullopt;
    return offset_of(*time);
  };
  arrival.received = reached("received");
  arrival.queued = reached("queued");
  arrival.started = reached("started");
  arrival.extracted = reached("extracted");
  arrival.embedded = reached("embedded");
  arrival.stored = reached("stored");
  arrival.done = reached("done");
  arrival.outcome = text_in(document, "outcome");
  arrival.message = text_in(document, "message");
  arrival.pages = static_cast<std::uint32_t>(number_in(document, "pages"));
  arrival.chunks = number_in(document, "chunks");
  arrival.tokens = number_in(document, "tokens");
  arrival.attempts = static_cast<std::uint32_t>(number_in(document, "attempts"));
  const std::string state = text_in(document, "state");
  arrival.ending = state == "done"     ? Ending::done
                   : state == "failed" ? Ending::failed
                                       : Ending::in_flight;
}

Result<void> EventLines::feed(std::string_view piece,
                              const std::function<void(const Json&)>& heard) {
  unread_ += piece;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = unread_.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string_view line = std::string_view(unread_).substr(begin, end - begin);
    if (!line.starts_with(data)) continue;
    const Json event = Json::parse(line.substr(data.size()), nullptr, false);
    if (event.is_object()) heard(event);
  }
  unread_.erase(0, begin);
  if (unread_.size() > line_bytes_max) return permanent_error("an event of more than 1 MB");
  return {};
}

}  // namespace penstock
