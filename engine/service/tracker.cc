#include "engine/service/tracker.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock {
namespace {

// Documents on their way that are remembered; of older ones the ledger will tell.
constexpr std::size_t ways_max = 50'000;
constexpr std::size_t ended_max = 1'000;

constexpr std::array<std::string_view, 5> stage_names = {"queued", "extract", "embed", "store",
                                                         "total"};

std::optional<Duration> between(const std::optional<WallTime>& from,
                                const std::optional<WallTime>& to) {
  if (!from || !to) return std::nullopt;
  return std::max(Duration(*to - *from), Duration{0});
}

}  // namespace

Tracker::Tracker(Events& events, Metrics& metrics)
    : metrics_(metrics),
      subscription_(events.subscribe([this](const DocumentEvent& event) { hear(event); })) {}

std::optional<DocumentTimes> Tracker::times_of(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = ways_.find(key);
  if (found == ways_.end()) return std::nullopt;
  return found->second.times;
}

void Tracker::hear(const DocumentEvent& event) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = ways_.try_emplace(event.key);
  if (is_new) {
    heard_of_.push_back(event.key);
    if (heard_of_.size() > ways_max) {
      ways_.erase(heard_of_.front());
      heard_of_.pop_front();
    }
  }
  Way& way = found->second;
  switch (event.milestone) {
    case Milestone::received:
      way = {event.at, {}, {}};
      break;
    case Milestone::queued:
      way.queued = event.at;  // heard of later than of its start, at times
      break;
    case Milestone::started:
      // Another attempt begins at the beginning, but was started before.
      if (const auto waited = between(way.received ? way.received : way.queued, event.at);
          waited && !way.times.started)
        metrics_.document_started(event.lane, *waited);
      way.times = {};
      way.times.started = event.at;
      break;
    case Milestone::extracted:
      way.times.extracted = event.at;
      break;
    case Milestone::embedded:
      way.times.embedded = event.at;
      break;
    case Milestone::stored:
      way.times.stored = event.at;
      break;
    case Milestone::done:
      way.times.done = event.at;
      end(event, way);
      break;
  }
}

void Tracker::end(const DocumentEvent& event, const Way& way) {
  const DocumentTimes& times = way.times;
  const std::optional<WallTime>& received = way.received ? way.received : way.queued;
  const Durations durations = {
      between(received, times.started), between(times.started, times.extracted),
      between(times.extracted, times.embedded), between(times.embedded, times.stored),
      between(received, times.done)};
  if (durations[1]) metrics_.stage_took(DocumentStage::extract, *durations[1]);
  if (durations[2]) metrics_.stage_took(DocumentStage::embed, *durations[2]);
  if (durations[3]) metrics_.stage_took(DocumentStage::store, *durations[3]);
  if (event.outcome) metrics_.document_ended(event.lane, *event.outcome, durations[4]);
  ended_.push_back(durations);
  if (ended_.size() > ended_max) ended_.pop_front();
}

std::vector<StageLatency> Tracker::latencies() const {
  std::vector<StageLatency> latencies;
  const std::lock_guard lock(mutex_);
  for (std::size_t stage = 0; stage < stage_names.size(); ++stage) {
    std::vector<Duration> sorted;
    for (const Durations& durations : ended_)
      if (durations[stage]) sorted.push_back(*durations[stage]);
    std::ranges::sort(sorted);
    StageLatency latency{stage_names[stage], {}, {}, sorted.size()};
    const auto at = [&](double quantile) {
      const auto rank = static_cast<std::size_t>(quantile * static_cast<double>(sorted.size() - 1));
      return std::chrono::duration_cast<std::chrono::milliseconds>(sorted[rank]);
    };
    if (!sorted.empty()) {
      latency.p50 = at(0.5);
      latency.p95 = at(0.95);
    }
    latencies.push_back(latency);
  }
  return latencies;
}

}  // namespace penstock
