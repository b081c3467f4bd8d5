#include "loadgen/records_observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/backends/local/lexical_embedder.h"

namespace penstock {
namespace {

// Of one question to the queue.
constexpr std::size_t keys_max = 500;
// Between two looks for ends, at least; also in times of what a look takes, so that the queue's
// time is its own.
constexpr std::chrono::milliseconds pause_min{10};
constexpr int pause_of_looks = 20;
// A document's chunks that share words with what is looked for.
constexpr std::size_t hits_max = 100;

// Calls `take` for each key with what the queue has of it.
Result<void> for_each_queued(
    const QueueEyes& queue, const std::vector<std::string>& keys,
    const std::function<void(std::size_t, const std::optional<QueuedDocument>&)>& take) {
  for (std::size_t begin = 0; begin < keys.size(); begin += keys_max) {
    const std::size_t count = std::min(keys_max, keys.size() - begin);
    const auto found = queue.find(std::span(keys).subspan(begin, count));
    if (!found) return pass_on(found.error());
    for (std::size_t i = 0; i < count; ++i) take(begin + i, (*found)[i]);
  }
  return {};
}

bool has_outcome(const DocumentRecord& record) {
  return record.outcome != Outcome::pending;
}

void take_record(Arrival& arrival, const DocumentRecord& record, const ClockBridge& bridge) {
  const auto at = [&](const std::optional<WallTime>& time) -> std::optional<Offset> {
    if (!time) return std::nullopt;
    return bridge.offset_of(*time);
  };
  arrival.started = at(record.times.started);
  arrival.extracted = at(record.times.extracted);
  arrival.embedded = at(record.times.embedded);
  arrival.stored = at(record.times.stored);
  arrival.done = at(record.times.done);
  arrival.outcome = name_of(record.outcome);
  arrival.message = told(record.outcome, record.message);
  arrival.attempts = record.attempts;
  if (record.current) {
    arrival.pages = record.current->pages;
    arrival.chunks = record.current->chunks;
    arrival.tokens = record.current->tokens;
  }
  arrival.ending = is_failure(record.outcome) ? Ending::failed : Ending::done;
}

}  // namespace

RecordsObserver::RecordsObserver(Records& records, QueueEyes queue, Events* events,
                                 Journal& journal, std::string name_prefix,
                                 const SystemFacts& facts)
    : records_(records),
      queue_(std::move(queue)),
      journal_(journal),
      name_prefix_(std::move(name_prefix)),
      facts_(facts),
      first_sight_(look_at_own_calendar()) {
  if (events == nullptr) return;
  subscription_ = events->subscribe([this](const DocumentEvent& event) { hear(event); });
  thread_ = std::thread([this] { look_until_stopped(); });
}

RecordsObserver::~RecordsObserver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// Not of every queue there is news, and an event may be lost.
void RecordsObserver::look_until_stopped() {
  Duration pause = pause_min;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stop_.wait_for(lock, pause, [this] { return stopping_; })) return;
    }
    const TimePoint begin = std::chrono::steady_clock::now();
    ask_for_ends();
    pause =
        std::max<Duration>(pause_min, pause_of_looks * (std::chrono::steady_clock::now() - begin));
  }
}

void RecordsObserver::hear(const DocumentEvent& event) {
  if (event.milestone == Milestone::done) journal_.ended(event.key);
  const std::chrono::nanoseconds ahead = event.at - std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  ahead_min_ = std::max(ahead_min_.value_or(ahead), ahead);
}

std::optional<Depth> RecordsObserver::depth() {
  const Result<BrokerState> state = queue_.state();
  if (!state) return std::nullopt;
  Depth depth;
  for (const Lane lane : all_lanes) {
    depth.waiting += state->of(lane).waiting + state->of(lane).delayed;
    depth.working += state->of(lane).leased;
  }
  return depth;
}

void RecordsObserver::ask_for_ends() {
  // What the queue does not have any more has its outcome, or is lost: neither is waited for.
  const std::vector<std::string> keys = journal_.unended();
  (void)for_each_queued(queue_, keys,
                        [&](std::size_t i, const std::optional<QueuedDocument>& queued) {
                          if (!queued || queued->state == QueuedDocument::State::dead)
                            journal_.ended(keys[i]);
                        });
}

Result<void> RecordsObserver::complete(RunRecord& run) {
  const ClockSight last_sight = look_at_own_calendar();
  const ClockBridge bridge(journal_.begin(), first_sight_, last_sight);
  run.clock = {{}, bridge.doubt()};

  std::unordered_map<std::string, std::size_t> place_of;  // by key
  for (const Arrival& arrival : run.arrivals)
    if (!arrival.id.empty()) place_of.emplace(arrival.id, arrival.number);
  std::vector<bool> has_ended(run.arrivals.size());
  const auto read = records_.ledger().for_each([&](const DocumentRecord& record) {
    const auto place = place_of.find(record.claim.key);
    if (place == place_of.end()) {
      take_stranger(run, name_prefix_, record.claim.key, record.claim.key, facts_.is_alone);
    } else if (has_outcome(record)) {
      take_record(run.arrivals[place->second], record, bridge);
      has_ended[place->second] = true;
    }
    return true;
  });
  if (!read) return read;
  std::vector<std::size_t> unended;
  for (const auto& [key, place] : place_of)
    if (!has_ended[place]) unended.push_back(place);
  if (const auto completed = complete_unended(run, unended, bridge); !completed) return completed;
  if (!facts_.is_ours) set_right(run);
  return {};
}

// No document is started before it was sent, and no news is heard before it happened: between the
// two is what the system's calendar is ahead of ours.
void RecordsObserver::set_right(RunRecord& run) const {
  const std::lock_guard lock(mutex_);
  std::optional<Offset> ahead_max;
  for (const Arrival& arrival : run.arrivals)
    if (arrival.started && arrival.issued)
      ahead_max = std::min(ahead_max.value_or(Offset::max()), *arrival.started - *arrival.issued);
  // Without news it is a queue in a file, whose workers have this machine's clock.
  if (!ahead_max || !ahead_min_) return;
  const Offset ahead = (*ahead_max + *ahead_min_) / 2;
  run.clock.offset = ahead;
  run.clock.doubt += std::chrono::abs(*ahead_max - *ahead_min_) / 2;
  for (Arrival& arrival : run.arrivals)
    for (std::optional<Offset>* time :
         {&arrival.started, &arrival.extracted, &arrival.embedded, &arrival.stored, &arrival.done})
      if (*time) **time -= ahead;
}

Result<void> RecordsObserver::complete_unended(RunRecord& run,
                                               const std::vector<std::size_t>& unended,
                                               const ClockBridge& bridge) {
  std::vector<std::string> keys;
  for (const std::size_t place : unended) keys.push_back(run.arrivals[place].id);
  std::vector<std::size_t> gone;
  const auto asked = for_each_queued(
      queue_, keys, [&](std::size_t i, const std::optional<QueuedDocument>& queued) {
        Arrival& arrival = run.arrivals[unended[i]];
        if (!queued) return gone.push_back(unended[i]);
        if (queued->state != QueuedDocument::State::dead) return;
        arrival.ending = Ending::failed;
        arrival.outcome = name_of(queued->outcome);
        arrival.message = told(queued->outcome, queued->reason);
        arrival.attempts = queued->attempts;
      });
  if (!asked) return asked;
  // What left the queue meanwhile is in the ledger by now.
  for (const std::size_t place : gone) {
    Arrival& arrival = run.arrivals[place];
    const auto record = records_.ledger().find(arrival.id);
    if (!record) return pass_on(record.error());
    if (*record && has_outcome(**record)) {
      take_record(arrival, **record, bridge);
    } else {
      arrival.ending = Ending::lost;
      arrival.message = "it is neither in the queue nor has it an outcome in the ledger";
    }
  }
  return {};
}

std::optional<std::string> RecordsObserver::wrong_with(const Arrival& arrival,
                                                       const Content& content) {
  const auto record = records_.ledger().find(arrival.id);
  if (!record) return record.error().message;
  if (!*record || !(*record)->current) return "has no current version";
  std::string bytes;
  for (const std::span<const char> part : content.parts) bytes.append(part.data(), part.size());
  if ((*record)->current->id != VersionId::of(bytes, (*record)->fingerprint))
    return "has another content than what was sent";
  if (!facts_.is_lexical || content.phrase.empty()) return std::nullopt;
  const Result<bool> found = is_found(arrival.id, content.phrase);
  if (!found) return found.error().message;
  if (!*found) return "is not found by its words \"" + content.phrase + "\"";
  return std::nullopt;
}

Result<bool> RecordsObserver::is_found(const std::string& key, const std::string& phrase) {
  std::vector<float> query;
  LexicalEmbedder().embed({phrase}, 0, [&](Embedding made) { query = std::move(made.vectors); });
  const auto hits = records_.vectors().search(
      query, hits_max, [&](const std::string& other) { return other == key; });
  if (!hits) return pass_on(hits.error());
  return std::ranges::any_of(*hits, [&](const Hit& hit) { return has_phrase(hit.text, phrase); });
}

}  // namespace penstock
