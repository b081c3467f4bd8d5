#include "engine/backends/redis/redis_leases.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/backends/redis/broker_scripts.h"
#include "engine/backends/redis/claim_fields.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

// A script of so many takes a few milliseconds, during which the server does nothing else.
constexpr std::size_t deliveries_at_once = 512;
constexpr std::size_t renewals_at_once = 512;

constexpr milliseconds first_pause(20);
constexpr milliseconds longest_pause(1'000);

// How long the destructor tries; leases that it leaves end by themselves.
constexpr std::chrono::seconds last_words(5);

TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

RedisLeases::RedisLeases(const std::string& url, const BrokerOptions& options,
                         const QueueKeys& keys, std::string consumer, Heard heard)
    : options_(options),
      keys_(keys),
      consumer_(std::move(consumer)),
      heard_(std::move(heard)),
      redis_(url),
      random_(std::random_device()()),
      thread_([this] { run(); }) {}

RedisLeases::~RedisLeases() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool RedisLeases::hold(const std::string& key, Lane lane, const std::string& entry,
                       std::uint32_t attempts) {
  const std::lock_guard lock(mutex_);
  const Held held = {lane, entry, attempts};
  const auto [place, is_new] = held_.emplace(key, held);
  if (is_new) return true;
  if (place->second.entry == entry) return false;
  if (place->second.ended) {  // and that has arrived, or there would be no other entry
    place->second = held;
    return true;
  }
  // This process lost its lease and others finished with the document, but it does not know yet;
  // what came meanwhile is for later, or for somebody else.
  deliveries_.push_back({key, held, std::nullopt, {}});
  wake_.notify_all();
  return false;
}

void RedisLeases::acknowledge(const std::string& key, Outcome outcome, const std::string& message) {
  end(key, outcome, message);
}

void RedisLeases::give_back(const std::string& key) {
  end(key, std::nullopt, {});
}

void RedisLeases::end(const std::string& key, std::optional<Outcome> outcome,
                      const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(key);
    if (found == held_.end() || found->second.ended) return;
    found->second.ended = true;
    deliveries_.push_back({key, found->second, outcome, message});
  }
  wake_.notify_all();
}

void RedisLeases::run() {
  const Duration renew_every = options_.lease / 5;
  TimePoint renewal = now() + renew_every;
  TimePoint end_of_pause = now();
  Duration pause = first_pause;
  std::optional<TimePoint> last_try;

  std::unique_lock lock(mutex_);
  for (;;) {
    const auto work_is_due = [&] {
      return now() >= end_of_pause && (!deliveries_.empty() || now() >= renewal);
    };
    if (ending_ && !last_try) last_try = now() + last_words;
    if (last_try && (deliveries_.empty() || now() >= *last_try)) return;
    if (!work_is_due()) {
      const TimePoint next = std::max(deliveries_.empty() ? renewal : end_of_pause, end_of_pause);
      wake_.wait_until(lock, next, [&] { return work_is_due() || (ending_ && !last_try); });
      continue;
    }

    bool sound = deliveries_.empty() || deliver_batch(lock);
    if (sound && now() >= renewal) {
      const std::vector<std::pair<std::string, Held>> all(held_.begin(), held_.end());
      lock.unlock();
      sound = renew(redis_, all).has_value();
      lock.lock();
      if (sound) renewal = now() + renew_every;
    }
    if (sound) {
      pause = first_pause;
    } else {
      end_of_pause = now() + pause;
      pause = std::min<Duration>(pause * 2, longest_pause);
    }
  }
}

bool RedisLeases::deliver_batch(std::unique_lock<std::mutex>& lock) {
  std::vector<Delivery> batch;
  while (!deliveries_.empty() && batch.size() < deliveries_at_once) {
    batch.push_back(std::move(deliveries_.front()));
    deliveries_.pop_front();
  }
  lock.unlock();
  const std::vector<bool> delivered = deliver(batch);
  lock.lock();
  for (std::size_t i = batch.size(); i-- > 0;) {
    if (!delivered[i]) {
      deliveries_.push_front(std::move(batch[i]));
      continue;
    }
    const auto held = held_.find(batch[i].key);
    if (held != held_.end() && held->second.entry == batch[i].held.entry) held_.erase(held);
  }
  return std::ranges::all_of(delivered, [](bool each) { return each; });
}

std::vector<bool> RedisLeases::deliver(std::span<const Delivery> deliveries) {
  std::vector<RedisScriptCall> calls;
  std::vector<std::vector<std::size_t>> of_call;
  std::array<std::optional<std::size_t>, QueueKeys::shard_count> call_of_shard;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    const std::size_t shard = QueueKeys::shard_of(deliveries[i].key);
    if (!call_of_shard[shard]) {
      call_of_shard[shard] = calls.size();
      calls.push_back({keys_.of_shard(shard), {consumer_}});
      of_call.emplace_back();
    }
    append_arguments(calls[*call_of_shard[shard]].arguments, deliveries[i]);
    of_call[*call_of_shard[shard]].push_back(i);
  }

  const auto answers = redis_.run_script(broker_scripts().settle, calls);
  std::vector<bool> delivered(deliveries.size(), true);
  std::string failure;
  for (std::size_t call = 0; call < calls.size(); ++call) {
    // Forgotten with a master that dies, it would be done again. To deliver again what did arrive
    // changes nothing: the lease has gone with it.
    const Result<void> done = answers[call] ? redis_.wait_for_replica(calls[call].keys.front())
                                            : Result<void>(pass_on(answers[call].error()));
    if (done) continue;
    failure = done.error().message;
    for (const std::size_t i : of_call[call]) delivered[i] = false;
  }
  heard_(failure);
  return delivered;
}

void RedisLeases::append_arguments(std::vector<std::string>& arguments, const Delivery& delivery) {
  const std::uint32_t attempts = delivery.held.attempts + 1;
  const char* verdict = "back";
  milliseconds pause(0);
  if (delivery.outcome && !is_failure(*delivery.outcome)) {
    verdict = "done";
  } else if (delivery.outcome && is_worth_another_attempt(*delivery.outcome) &&
             attempts < options_.attempts_max) {
    verdict = "again";
    // 53 random bits are a fraction in [0, 1).
    pause = pause_after(attempts, static_cast<double>(random_() >> 11) * 0x1.0p-53, options_);
  } else if (delivery.outcome) {
    verdict = "dead";
  }
  arguments.insert(
      arguments.end(),
      {delivery.key, std::string(name_of(delivery.held.lane)), delivery.held.entry, verdict,
       std::to_string(pause.count()),
       std::string(name_of(delivery.outcome.value_or(Outcome::pending))), delivery.message});
}

Result<std::vector<bool>> RedisLeases::renew(Redis& redis, std::span<const std::string> keys) {
  std::vector<std::pair<std::string, Held>> leases;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : keys) {
      const auto found = held_.find(key);
      // Without an entry, which nobody has a lease on.
      leases.emplace_back(key, found == held_.end() ? Held{} : found->second);
    }
  }
  return renew(redis, leases);
}

Result<std::vector<bool>> RedisLeases::renew(Redis& redis,
                                             std::span<const std::pair<std::string, Held>> leases) {
  std::vector<RedisScriptCall> calls;
  std::vector<std::vector<std::size_t>> of_call;
  // The call of a shard and lane that takes the next entry.
  std::unordered_map<std::size_t, std::size_t> open;
  for (std::size_t i = 0; i < leases.size(); ++i) {
    const auto& [key, held] = leases[i];
    const std::size_t shard = QueueKeys::shard_of(key);
    const std::size_t place = shard * all_lanes.size() + index_of(held.lane);
    const auto found = open.find(place);
    if (found == open.end() || of_call[found->second].size() >= renewals_at_once) {
      calls.push_back({keys_.of_shard(shard), {consumer_, std::string(name_of(held.lane))}});
      of_call.emplace_back();
      open[place] = calls.size() - 1;
    }
    calls[open[place]].arguments.push_back(held.entry);
    of_call[open[place]].push_back(i);
  }
  const auto answers = redis.run_script(broker_scripts().renew, calls);
  std::vector<bool> renewed(leases.size());
  std::optional<Error> error;
  for (std::size_t call = 0; call < calls.size(); ++call) {
    if (!answers[call]) {
      error = answers[call].error();
      continue;
    }
    for (std::size_t i = 0; i < of_call[call].size(); ++i)
      renewed[of_call[call][i]] = integer_at(*answers[call], i) == 1;
  }
  if (!calls.empty()) heard_(error ? error->message : std::string());
  if (error) return pass_on(*error);
  return renewed;
}

}  // namespace penstock
