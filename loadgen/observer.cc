#include "loadgen/observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace penstock {
namespace {

// Without an end that was heard of: then it is asked for.
constexpr std::chrono::seconds silence_max{5};

std::string words_of(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_space) words += c;
    if (is_space && !words.empty() && words.back() != ' ') words += ' ';
  }
  return words;
}

}  // namespace

void drain(Observer& observer, Journal& journal, TimePoint until) {
  for (;;) {
    const std::uint64_t waiting = journal.counts().in_flight();
    const TimePoint now = std::chrono::steady_clock::now();
    if (waiting == 0 || now >= until || journal.is_stopped()) return;
    const bool has_moved =
        journal.wait(std::min(until, now + silence_max),
                     [&](const Journal::Counts& counts) { return counts.in_flight() != waiting; });
    if (!has_moved) observer.ask_for_ends();
  }
}

void check_content(Observer& observer, RunRecord& run, std::uint32_t samples,
                   const ContentOf& content_of) {
  std::vector<const Arrival*> done;
  for (const Arrival& arrival : run.arrivals)
    if (arrival.ending == Ending::done && arrival.chunks > 0) done.push_back(&arrival);
  const std::size_t count = std::min<std::size_t>(samples, done.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Arrival& arrival = *done[i * done.size() / count];
    ++run.content.checked;
    const auto wrong = observer.wrong_with(arrival, content_of(arrival.number, arrival.kind));
    if (!wrong) continue;
    ++run.content.wrong;
    if (run.content.first_wrong.empty())
      run.content.first_wrong =
          fmt::format("document {} ({}): {}", arrival.number, arrival.id, *wrong);
  }
}

void take_stranger(RunRecord& run, const std::string& name_prefix, const std::string& name,
                   const std::string& id, bool is_alone) {
  if (!name.starts_with(name_prefix)) {
    if (is_alone) ++run.unknown;
    return;
  }
  std::uint64_t number = run.arrivals.size();
  std::from_chars(name.data() + name_prefix.size(), name.data() + name.size(), number);
  const Arrival* const arrival = number < run.arrivals.size() ? &run.arrivals[number] : nullptr;
  if (arrival == nullptr) {
    ++run.unknown;
  } else if (!arrival->id.empty()) {
    ++run.stored_twice;
    run.findings.push_back(fmt::format("document {} was sent once and is there twice: {} and {}",
                                       number, arrival->id, id));
  } else if (arrival->ending == Ending::refused) {
    const std::string status =
        arrival->status > 0 ? fmt::format(" with {}", arrival->status) : std::string();
    run.findings.push_back(
        fmt::format("document {} was refused{} and taken as {}", number, status, id));
  }
  // Where no answer came it may have been lost on its way: who sent it could not know.
}

bool has_phrase(std::string_view text, const std::string& phrase) {
  return words_of(text).find(phrase) != std::string::npos;
}

}  // namespace penstock
