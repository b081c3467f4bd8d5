#include "engine/backends/redis/redis_broker.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <random>
#include <unordered_set>
#include <utility>

#include "engine/backends/redis/broker_scripts.h"
#include "engine/backends/redis/claim_fields.h"
#include "engine/backends/redis/redis_lane_queue.h"
#include "engine/backends/redis/redis_leases.h"

namespace penstock {
namespace {

// About 64 a shard: a script that runs for less than a millisecond, while the server does nothing
// else.
constexpr std::size_t documents_at_once = 1'024;

std::string consumer_name(const std::string& worker) {
  return worker + "/" + std::to_string(std::random_device()());
}

// Calls of a script, one a shard that has documents, and whose document each answer is.
struct ShardCalls {
  std::vector<RedisScriptCall> calls;
  std::vector<std::vector<std::size_t>> documents;  // by call, indices
};

template <typename KeyOf, typename Append>
ShardCalls by_shard(const QueueKeys& keys, std::size_t count,
                    const std::vector<std::string>& arguments, KeyOf&& key_of, Append&& append) {
  ShardCalls split;
  std::array<std::size_t, QueueKeys::shard_count> call_of_shard{};  // 0: none, else one more
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t shard = QueueKeys::shard_of(key_of(i));
    if (call_of_shard[shard] == 0) {
      split.calls.push_back({keys.of_shard(shard), arguments});
      split.documents.emplace_back();
      call_of_shard[shard] = split.calls.size();
    }
    const std::size_t call = call_of_shard[shard] - 1;
    append(split.calls[call].arguments, i);
    split.documents[call].push_back(i);
  }
  return split;
}

ShardCalls by_shard(const QueueKeys& queue, std::span<const std::string> keys) {
  return by_shard(
      queue, keys.size(), {}, [&](std::size_t i) -> const std::string& { return keys[i]; },
      [&](std::vector<std::string>& arguments, std::size_t i) { arguments.push_back(keys[i]); });
}

// As the scripts `find` and `dead` answer it.
QueuedDocument read_document(const RedisReply& fields) {
  using State = QueuedDocument::State;
  QueuedDocument document;
  document.claim = read_claim(fields);
  document.lane = text_at(fields, 4) == name_of(Lane::interactive) ? Lane::interactive : Lane::bulk;
  document.attempts = static_cast<std::uint32_t>(integer_at(fields, 5));
  document.state = static_cast<State>(integer_at(fields, 6));
  document.is_followed = integer_at(fields, 7) != 0;
  document.outcome = outcome_named(text_at(fields, 8)).value_or(Outcome::failed);
  document.reason = text_at(fields, 9);
  return document;
}

}  // namespace

RedisBroker::RedisBroker(const std::string& url, BrokerOptions options)
    : options_(std::move(options)), keys_(options_.queue), redis_(url) {
  redis_.require_sound();
  if (options_.worker.empty()) return;
  const std::string consumer = consumer_name(options_.worker);
  leases_ =
      std::make_unique<RedisLeases>(url, options_, keys_, consumer,
                                    [this](const std::string& failure) { failure_.hear(failure); });
  for (const Lane lane : all_lanes)
    lanes_[index_of(lane)] = std::make_unique<LaneQueue>(url, *this, lane, consumer);
}

RedisBroker::~RedisBroker() {
  // Its report would say for a while that it is alive; if Redis cannot be reached, so be it.
  if (!options_.worker.empty())
    static_cast<void>(redis_.run(keys_.workers(), {"HDEL", keys_.workers(), options_.worker}));
}

WorkQueue& RedisBroker::queue(Lane lane) {
  assert(lanes_[index_of(lane)] != nullptr);
  return *lanes_[index_of(lane)];
}

Result<std::vector<Enqueued>> RedisBroker::enqueue(std::span<const Claim> documents, Lane lane) {
  const std::lock_guard lock(mutex_);
  std::vector<Enqueued> enqueued;
  enqueued.reserve(documents.size());
  while (enqueued.size() < documents.size()) {
    const auto state = read_broker_state(redis_, keys_);
    if (!state) return pass_on(state.error());
    const std::uint64_t in_lane = state->of(lane).waiting + state->of(lane).leased;
    const std::uint64_t room = options_.documents_max - std::min(options_.documents_max, in_lane);
    // Never more at once than there is room for; where there is none, only those that need none.
    const std::size_t count =
        std::min({documents.size() - enqueued.size(), documents_at_once,
                  room > 0 ? static_cast<std::size_t>(std::min<std::uint64_t>(room, SIZE_MAX))
                           : documents_at_once});
    const auto done =
        enqueue_some(documents.subspan(enqueued.size(), count), lane, room > 0, enqueued);
    if (!done) return pass_on(done.error());
  }
  return enqueued;
}

Result<void> RedisBroker::enqueue_some(std::span<const Claim> documents, Lane lane,
                                       bool lane_may_grow, std::vector<Enqueued>& enqueued) {
  const ShardCalls split = by_shard(
      keys_, documents.size(), {std::string(name_of(lane)), lane_may_grow ? "1" : "0"},
      [&](std::size_t i) -> const std::string& { return documents[i].key; },
      [&](std::vector<std::string>& arguments, std::size_t i) {
        append_claim(arguments, documents[i]);
      });
  const std::size_t first = enqueued.size();
  enqueued.resize(first + documents.size());
  const auto answers = redis_.run_script(broker_scripts().enqueue, split.calls);
  for (std::size_t call = 0; call < answers.size(); ++call) {
    if (!answers[call]) return pass_on(answers[call].error());
    for (std::size_t i = 0; i < split.documents[call].size(); ++i)
      enqueued[first + split.documents[call][i]] =
          static_cast<Enqueued>(integer_at(*answers[call], i));
    if (auto safe = redis_.wait_for_replica(split.calls[call].keys.front()); !safe) return safe;
  }
  return {};
}

Result<BrokerState> RedisBroker::state() {
  const std::lock_guard lock(mutex_);
  return read_broker_state(redis_, keys_);
}

Result<std::vector<std::optional<QueuedDocument>>> RedisBroker::find(
    std::span<const std::string> keys) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<QueuedDocument>> all(keys.size());
  for (std::size_t first = 0; first < keys.size(); first += documents_at_once) {
    const ShardCalls split =
        by_shard(keys_, keys.subspan(first, std::min(keys.size() - first, documents_at_once)));
    const auto answers = redis_.run_script(broker_scripts().find, split.calls);
    for (std::size_t call = 0; call < answers.size(); ++call) {
      if (!answers[call]) return pass_on(answers[call].error());
      const std::vector<RedisReply>& found = answers[call]->elements;
      for (std::size_t i = 0; i < std::min(found.size(), split.documents[call].size()); ++i)
        if (found[i].kind == RedisReply::Kind::array)
          all[first + split.documents[call][i]] = read_document(found[i]);
    }
  }
  return all;
}

Result<std::vector<bool>> RedisBroker::holds(std::span<const std::string> keys) {
  const std::lock_guard lock(mutex_);
  return leases_->renew(redis_, keys);
}

Result<void> RedisBroker::report(const WorkerReport& report) {
  const std::lock_guard lock(mutex_);
  const RedisScriptCall call = {
      {keys_.workers()}, {std::to_string(options_.lease.count()), report.worker, to_text(report)}};
  const auto answers = redis_.run_script(broker_scripts().report, {&call, 1});
  if (!answers.front()) return pass_on(answers.front().error());
  return {};
}

Result<std::vector<WorkerReport>> RedisBroker::workers() {
  const std::lock_guard lock(mutex_);
  const RedisScriptCall call = {{keys_.workers()}, {}};
  const auto answers = redis_.run_script(broker_scripts().workers, {&call, 1});
  if (!answers.front()) return pass_on(answers.front().error());
  std::vector<WorkerReport> reports;
  for (const RedisReply& text : answers.front()->elements)
    reports.push_back(parse_worker_report(text.text));
  std::ranges::sort(reports, {}, &WorkerReport::worker);
  return reports;
}

Result<void> RedisBroker::for_each_dead(const std::function<bool(const QueuedDocument&)>& visit) {
  const std::lock_guard lock(mutex_);
  for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard) {
    std::unordered_set<std::string> seen;  // a scan may show a letter twice
    std::string cursor = "0";
    do {
      const RedisScriptCall call = {keys_.of_shard(shard), {cursor}};
      const auto answers = redis_.run_script(broker_scripts().dead, {&call, 1});
      if (!answers.front()) return pass_on(answers.front().error());
      const RedisReply& answer = *answers.front();
      cursor = text_at(answer, 0);
      for (std::size_t i = 1; i < answer.elements.size(); ++i) {
        const QueuedDocument letter = read_document(answer.elements[i]);
        if (seen.insert(letter.claim.key).second && !visit(letter)) return {};
      }
    } while (cursor != "0" && !cursor.empty());
  }
  return {};
}

Result<std::uint64_t> RedisBroker::retry(std::span<const std::string> keys) {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  for (; !keys.empty(); keys = keys.subspan(std::min(keys.size(), documents_at_once))) {
    const ShardCalls split = by_shard(keys_, keys.first(std::min(keys.size(), documents_at_once)));
    for (const auto& answer : redis_.run_script(broker_scripts().retry, split.calls)) {
      if (!answer) return pass_on(answer.error());
      count += static_cast<std::uint64_t>(answer->integer);
    }
  }
  return count;
}

}  // namespace penstock
