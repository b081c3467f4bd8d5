#include "engine/backends/redis/event_text.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace penstock {
namespace {

constexpr std::array all_milestones = {
    Milestone::received, Milestone::queued, Milestone::started, Milestone::extracted,
    Milestone::embedded, Milestone::stored, Milestone::done};
// The end of the year 9999: whoever shows a time need not think about others.
constexpr std::int64_t at_ms_max = 253'402'300'799'999;

void append_field(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).push_back(' ');
  for (const char c : value) {
    if (c == '\\' || c == '\n') text.push_back('\\');
    text.push_back(c == '\n' ? 'n' : c);
  }
  text.push_back('\n');
}

std::string unescaped(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\') {
      text.push_back(value[i]);
    } else if (++i < value.size()) {
      text.push_back(value[i] == 'n' ? '\n' : value[i]);
    }
  }
  return text;
}

template <typename Enum, std::size_t Count>
std::optional<Enum> named(std::string_view name, const std::array<Enum, Count>& all) {
  const auto found = std::ranges::find(all, name, [](Enum each) { return name_of(each); });
  return found == all.end() ? std::nullopt : std::optional<Enum>(*found);
}

std::optional<WallTime> time_of(std::string_view text) {
  std::int64_t ms = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (code != std::errc() || end != text.data() + text.size() || ms < 0 || ms > at_ms_max)
    return std::nullopt;
  return WallTime(std::chrono::milliseconds(ms));
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

// What is known so far of an event.
struct Fields {
  std::string key;
  std::optional<Milestone> milestone;
  std::optional<Lane> lane;
  std::optional<WallTime> at;
  std::optional<Outcome> outcome;
  std::string message;

  void read(std::string_view name, std::string_view value) {
    if (name == "key") key = unescaped(value);
    if (name == "milestone") milestone = named(value, all_milestones);
    if (name == "lane") lane = named(value, all_lanes);
    if (name == "at_ms") at = time_of(value);
    if (name == "outcome") outcome = outcome_named(value);
    if (name == "message") message = unescaped(value);
  }

  std::optional<DocumentEvent> event() && {
    if (key.empty() || !is_utf8(key) || !is_utf8(message) || !milestone || !lane || !at ||
        (*milestone == Milestone::done && !outcome))
      return std::nullopt;
    return DocumentEvent{std::move(key), *milestone, *lane, *at, outcome, std::move(message)};
  }
};

}  // namespace

std::string to_text(std::span<const DocumentEvent> events) {
  std::string text;
  for (const DocumentEvent& event : events) {
    append_field(text, "key", event.key);
    append_field(text, "milestone", name_of(event.milestone));
    append_field(text, "lane", name_of(event.lane));
    append_field(text, "at_ms", std::to_string(event.at.time_since_epoch().count()));
    if (event.outcome) append_field(text, "outcome", name_of(*event.outcome));
    if (!event.message.empty()) append_field(text, "message", event.message);
    text.push_back('\n');
  }
  return text;
}

std::vector<DocumentEvent> parse_events(std::string_view text) {
  std::vector<DocumentEvent> events;
  Fields fields;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos) fields.read(line.substr(0, space), line.substr(space + 1));
    if (!line.empty()) continue;
    if (auto event = std::exchange(fields, {}).event()) events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace penstock
