#include "engine/backends/redis/redis_lane_queue.h"

#include <algorithm>
#include <random>
#include <utility>

#include "engine/backends/redis/broker_scripts.h"
#include "engine/backends/redis/claim_fields.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

// What was fetched is leased, and kept from workers that are idle: no more than a slow worker does
// in a few seconds. So many a round trip are 40,000 a second on one machine.
constexpr std::size_t fetched_max = 16;
constexpr std::size_t shards_at_once = 4;

// An idle worker looks again, less and less often.
constexpr milliseconds first_pause(2);
constexpr milliseconds longest_pause(200);

// A lease is renewed at 0.2 of its time, looked for at every 0.1 and taken over from 0.75 on: three
// renewals in a row may fail, and a document whose worker died still starts before 1.
constexpr double part_until_taken = 0.75;
constexpr int looks_a_lease = 10;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// A consumer is a worker's name and a number of its process, so that who comes back under a name
// does not pass for who died under it.
std::string worker_of(const std::string& consumer) {
  return consumer.substr(0, consumer.rfind('/'));
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
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return std::nullopt;
      if (!fetched_.empty()) {
        Claim claim = std::move(fetched_.front());
        fetched_.pop_front();
        return claim;
      }
    }
    const Result<std::size_t> fetched = fetch();
    broker_.hear(fetched ? std::string() : fetched.error().message);
    if (fetched && *fetched > 0) continue;
    // Who could not reach Redis could not renew its leases either: the others get their time to.
    if (!fetched) take_over_at_ = now() + broker_.options_.lease / 2;
    if (fetched && broker_.options_.until_empty && is_exhausted()) {
      close();
      return std::nullopt;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, pause, [this] { return closed_; });
    pause = std::min(pause * 2, longest_pause);
  }
}

void RedisBroker::LaneQueue::acknowledge(const Claim& claim, Outcome outcome,
                                         const std::string& message) {
  broker_.leases_->acknowledge(claim.key, outcome, message);
}

void RedisBroker::LaneQueue::give_back(const Claim& claim) {
  broker_.leases_->give_back(claim.key);
}

void RedisBroker::LaneQueue::close() {
  std::deque<Claim> fetched;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    fetched.swap(fetched_);
  }
  wake_.notify_all();
  for (const Claim& claim : fetched) give_back(claim);
}

Result<std::size_t> RedisBroker::LaneQueue::fetch() {
  if (now() >= take_over_at_) {
    const auto fetched =
        fetch_from(next_shard_, QueueKeys::shard_count, fetched_max / QueueKeys::shard_count, true);
    // Where one lease has ended there are more, and this looked for one a shard.
    if (fetched && *fetched == 0) take_over_at_ = now() + broker_.options_.lease / looks_a_lease;
    return fetched;
  }
  const std::size_t first =
      std::exchange(next_shard_, (next_shard_ + shards_at_once) % QueueKeys::shard_count);
  const auto fetched = fetch_from(first, shards_at_once, fetched_max / shards_at_once, false);
  if (!fetched || *fetched > 0) return fetched;
  return fetch_from(next_shard_, QueueKeys::shard_count - shards_at_once, 1, false);
}

Result<std::size_t> RedisBroker::LaneQueue::fetch_from(std::size_t first_shard, std::size_t shards,
                                                       std::size_t from_each, bool take_over) {
  const BrokerOptions& options = broker_.options_;
  const auto ended_ms =
      static_cast<std::int64_t>(static_cast<double>(options.lease.count()) * part_until_taken);
  std::vector<RedisScriptCall> calls;
  for (std::size_t i = 0; i < shards; ++i)
    calls.push_back(
        {broker_.keys_.of_shard((first_shard + i) % QueueKeys::shard_count),
         {std::string(name_of(lane_)), consumer_, std::to_string(from_each),
          take_over ? std::to_string(ended_ms) : std::string(),
          std::to_string(options.attempts_max), reason_of_deaths(options.attempts_max)}});
  std::size_t count = 0;
  Result<std::size_t> fetched = 0;
  for (const Result<RedisReply>& answer : redis_.run_script(broker_scripts().claim, calls)) {
    if (answer) {
      count += take_in(*answer);
    } else {
      fetched = pass_on(answer.error());
    }
  }
  // Some nodes of a cluster may serve while another is down.
  if (count > 0) return count;
  return fetched;
}

std::size_t RedisBroker::LaneQueue::take_in(const RedisReply& answer) {
  if (answer.elements.size() < 2) return 0;
  std::size_t count = 0;
  for (const RedisReply& document : answer.elements[0].elements) {
    Claim claim = read_claim(document);
    claim.again = integer_at(document, 6) != 0;
    if (!broker_.leases_->hold(claim.key, lane_, text_at(document, 4),
                               static_cast<std::uint32_t>(integer_at(document, 5))))
      continue;
    ++count;
    std::unique_lock lock(mutex_);
    if (!closed_) {
      fetched_.push_back(std::move(claim));
    } else {
      lock.unlock();
      give_back(claim);
    }
  }
  if (broker_.taken_)
    for (const RedisReply& taken : answer.elements[1].elements)
      broker_.taken_(
          {text_at(taken, 0), worker_of(text_at(taken, 1)), milliseconds(integer_at(taken, 2))});
  return count;
}

bool RedisBroker::LaneQueue::is_exhausted() {
  const Result<BrokerState> state = read_broker_state(redis_, broker_.keys_);
  if (!state) return false;
  const LaneDepth& lane = state->of(lane_);
  return lane.waiting + lane.leased + lane.delayed == 0;
}

}  // namespace penstock
