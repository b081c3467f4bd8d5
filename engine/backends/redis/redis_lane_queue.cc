#include "engine/backends/redis/redis_lane_queue.h"

#include <algorithm>
#include <random>
#include <utility>

#include "engine/backends/redis/broker_scripts.h"
#include "engine/backends/redis/claim_fields.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t shards_at_once = 2;

// An idle worker looks again, less and less often.
constexpr milliseconds first_pause(2);
constexpr milliseconds longest_pause(200);

// A lease is renewed at 0.2 of its time, looked for at every 0.1 and taken over from 0.65 on: two
// renewals in a row may fail, and a document whose worker died still starts before 1, also if Redis
// cannot be reached for a while.
constexpr double part_until_taken = 0.65;
constexpr int renewals_a_lease = 5;
constexpr int looks_a_lease = 10;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Result<BrokerState> read_broker_state(Redis& redis, const QueueKeys& keys) {
  std::vector<RedisScriptCall> calls;
  for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
    calls.push_back({keys.of_shard(shard), {}});
  BrokerState state;
  for (const Result<RedisReply>& answer : redis.run_script(broker_scripts().state, calls)) {
    if (!answer) return pass_on(answer.error());
    std::size_t at = 0;
    const auto next = [&] { return static_cast<std::uint64_t>(integer_at(*answer, at++)); };
    state.dead += next();
    for (const Lane lane : all_lanes) {
      LaneDepth& sum = state.of(lane);
      sum.waiting += next();
      sum.leased += next();
      sum.delayed += next();
      sum.oldest = std::max(sum.oldest, milliseconds(next()));
    }
  }
  return state;
}

RedisBroker::LaneQueue::LaneQueue(const std::string& url, RedisBroker& broker, Lane lane,
                                  std::string consumer)
    : broker_(broker),
      lane_(lane),
      consumer_(std::move(consumer)),
      redis_(url),
      next_shard_(std::random_device()() % QueueKeys::shard_count),
      take_over_at_(now()) {}

RedisBroker::LaneQueue::~LaneQueue() {
  close();
}

std::optional<Claim> RedisBroker::LaneQueue::claim() {
  milliseconds pause = first_pause;
  while (!fetched_.is_closed()) {
    if (now() >= take_over_at_) {
      const Result<void> looked = take_over();
      broker_.failure_.hear(looked ? std::string() : looked.error().message);
    }
    if (std::optional<Claim> claim = fetched_.take()) return claim;
    const Result<std::size_t> fetched = fetch();
    broker_.failure_.hear(fetched ? std::string() : fetched.error().message);
    if (fetched && *fetched > 0) {
      fetched_.have_come(now());
      continue;
    }
    if (fetched && broker_.options_.until_empty && is_exhausted()) {
      close();
    } else if (!fetched_.is_closed_within(pause)) {
      pause = std::min(pause * 2, longest_pause);
    }
  }
  return std::nullopt;
}

void RedisBroker::LaneQueue::acknowledge(const Claim& claim, Outcome outcome,
                                         const std::string& message) {
  broker_.leases_->acknowledge(claim.key, outcome, message);
}

void RedisBroker::LaneQueue::give_back(const Claim& claim) {
  broker_.leases_->give_back(claim.key);
}

std::vector<bool> RedisBroker::LaneQueue::holds(std::span<const std::string> keys) {
  for (;;) {
    if (const Result<std::vector<bool>> held = broker_.holds(keys)) return *held;
    if (fetched_.is_closed_within(longest_pause)) return std::vector<bool>(keys.size(), false);
  }
}

void RedisBroker::LaneQueue::close() {
  for (const Claim& claim : fetched_.close()) give_back(claim);
}

Result<void> RedisBroker::LaneQueue::take_over() {
  const BrokerOptions& options = broker_.options_;
  const auto ended_ms =
      static_cast<std::int64_t>(static_cast<double>(options.lease.count()) * part_until_taken);
  const std::vector<std::string> arguments = {std::string(name_of(lane_)), consumer_,
                                              std::to_string(ended_ms)};
  std::vector<RedisScriptCall> calls;
  for (std::size_t shard = 0; shard < QueueKeys::shard_count; ++shard)
    calls.push_back({broker_.keys_.of_shard(shard), arguments});
  std::vector<RedisScriptCall> ended;
  Result<void> looked =
      ask(broker_scripts().look_for_ended, calls, [&](std::size_t call, const RedisReply& answer) {
        if (answer.integer > 0) ended.push_back(calls[call]);
      });
  for (RedisScriptCall& call : ended) {
    call.arguments.push_back(std::to_string(options.attempts_max));
    call.arguments.push_back(reason_of_deaths(options.attempts_max));
    std::size_t count = 0;
    Result<void> taken =
        ask(broker_scripts().take_over, {&call, 1},
            [&](std::size_t, const RedisReply& answer) { count = take_in(answer, true); });
    // Where one lease has ended there are more: one for each claim, until there is none.
    if (count > 0) return taken;
  }
  // Who could not reach Redis could not renew its leases either: the others get their time to.
  take_over_at_ = now() + options.lease / (looked ? looks_a_lease : renewals_a_lease);
  return looked;
}

Result<std::size_t> RedisBroker::LaneQueue::fetch() {
  const std::size_t batch = fetched_.next_batch(now());
  const std::size_t shards = std::min(batch, shards_at_once);
  const std::size_t first =
      std::exchange(next_shard_, (next_shard_ + shards) % QueueKeys::shard_count);
  auto fetched = fetch_from(first, shards, batch / shards);
  if (!fetched || *fetched > 0) return fetched;
  return fetch_from(next_shard_, QueueKeys::shard_count - shards, 1);
}

Result<std::size_t> RedisBroker::LaneQueue::fetch_from(std::size_t first_shard, std::size_t shards,
                                                       std::size_t from_each) {
  std::vector<RedisScriptCall> calls;
  for (std::size_t i = 0; i < shards; ++i)
    calls.push_back({broker_.keys_.of_shard((first_shard + i) % QueueKeys::shard_count),
                     {std::string(name_of(lane_)), consumer_, std::to_string(from_each)}});
  std::size_t count = 0;
  const Result<void> asked =
      ask(broker_scripts().claim, calls,
          [&](std::size_t, const RedisReply& documents) { count += take_in(documents, false); });
  // Some nodes of a cluster may serve while another is down.
  if (!asked && count == 0) return pass_on(asked.error());
  return count;
}

template <typename Visit>
Result<void> RedisBroker::LaneQueue::ask(const RedisScript& script,
                                         std::span<const RedisScriptCall> calls, Visit&& visit) {
  const auto answers = redis_.run_script(script, calls);
  Result<void> asked;
  for (std::size_t call = 0; call < answers.size(); ++call) {
    if (answers[call]) {
      visit(call, *answers[call]);
    } else {
      asked = pass_on(answers[call].error());
    }
  }
  return asked;
}

std::size_t RedisBroker::LaneQueue::take_in(const RedisReply& documents, bool first) {
  std::size_t count = 0;
  for (const RedisReply& document : documents.elements) {
    Claim claim = read_claim(document);
    claim.again = integer_at(document, 6) != 0;
    if (!broker_.leases_->hold(claim.key, lane_, text_at(document, 4),
                               static_cast<std::uint32_t>(integer_at(document, 5))))
      continue;
    ++count;
    const bool is_added =
        first ? fetched_.add_first(std::move(claim)) : fetched_.add(std::move(claim));
    if (!is_added) give_back(claim);
  }
  return count;
}

bool RedisBroker::LaneQueue::is_exhausted() {
  const Result<BrokerState> state = read_broker_state(redis_, broker_.keys_);
  if (!state) return false;
  const LaneDepth& lane = state->of(lane_);
  return lane.waiting + lane.leased + lane.delayed == 0;
}

}  // namespace penstock
