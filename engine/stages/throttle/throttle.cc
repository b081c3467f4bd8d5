#include "engine/stages/throttle/throttle.h"

#include <algorithm>
#include <chrono>

namespace penstock {
namespace {

// Least time between two looks of the thread. At 200,000 requests a minute a wake for each would
// cost a tenth of a core, so it grants them by dozens. The pace makes up for what that delays.
constexpr Duration rest = std::chrono::milliseconds(4);

TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Throttle::Throttle(const std::vector<KeyQuota>& keys, ThrottleOptions options, Probe probe,
                   SharedBudget* shared_budget)
    : probe_(std::move(probe)),
      shared_budget_(shared_budget),
      dispatch_(keys, std::move(options),
                shared_budget == nullptr ? LimitsKept::here : LimitsKept::by_fleet),
      thread_([this] { keep_time(); }) {
  if (shared_budget != nullptr) leasing_ = std::thread([this] { lease(); });
}

Throttle::~Throttle() {
  stop();
  {
    Lock lock(mutex_);
    delivered_.wait(lock, [this] { return !is_delivering_ && !is_probing_; });
    is_ending_ = true;
  }
  wake_.notify_one();
  call_.notify_one();
  thread_.join();
  if (leasing_.joinable()) leasing_.join();
}

void Throttle::reserve(std::uint64_t tokens, Lane lane, Ready ready) {
  Lock lock(mutex_);
  ready_.emplace(dispatch_.submit(tokens, lane), std::move(ready));
  advance(lock);
}

Blame Throttle::settle(const Grant& grant, const Receipt& receipt) {
  Lock lock(mutex_);
  const Blame blame = dispatch_.settle(grant, receipt, now());
  advance(lock);
  return blame;
}

void Throttle::settle_probe(const Receipt& receipt) {
  Lock lock(mutex_);
  dispatch_.settle_probe(receipt, now());
  is_probing_ = false;
  advance(lock);
}

void Throttle::stop() {
  Lock lock(mutex_);
  dispatch_.stop();
  advance(lock);
}

ThrottleState Throttle::state() const {
  const Lock lock(mutex_);
  return dispatch_.state(now());
}

void Throttle::advance(Lock& lock) {
  Dispatch::Step step = dispatch_.advance(now());
  for (Dispatch::Decision& decision : step.decisions) {
    auto waiting = ready_.extract(decision.request);
    callbacks_.emplace_back(
        [ready = std::move(waiting.mapped()), grant = std::move(decision.grant)] { ready(grant); });
  }
  if (step.probe_key) {
    is_probing_ = true;
    callbacks_.emplace_back([this, key = *step.probe_key] {
      probe_(key, [this](const Receipt& receipt) { settle_probe(receipt); });
    });
  }
  if (const std::optional<TimePoint> wake = dispatch_.next_wake()) {
    const TimePoint next = std::max(*wake, rests_until_);
    if (!wakes_at_ || next < *wakes_at_) {
      wakes_at_ = next;
      wake_.notify_one();
    }
  }
  if (const std::optional<TimePoint> call_at = dispatch_.call_at();
      call_at && *call_at < calls_at_) {
    calls_at_ = *call_at;
    call_.notify_one();
  }
  deliver(lock);
}

// One thread delivers, and goes on while there is anything: a callback that reserves or settles
// only adds to what it delivers next, so that calls never nest.
void Throttle::deliver(Lock& lock) {
  if (is_delivering_) return;
  is_delivering_ = true;
  while (!callbacks_.empty()) {
    const std::function<void()> callback = std::move(callbacks_.front());
    callbacks_.pop_front();
    lock.unlock();
    callback();
    lock.lock();
  }
  is_delivering_ = false;
  delivered_.notify_all();
}

void Throttle::keep_time() {
  Lock lock(mutex_);
  while (!is_ending_) {
    if (!wakes_at_) {
      wake_.wait(lock);
    } else if (now() < *wakes_at_) {
      wake_.wait_until(lock, *wakes_at_);
    } else {
      wakes_at_.reset();
      rests_until_ = now() + rest;
      advance(lock);
    }
  }
}

void Throttle::lease() {
  Lock lock(mutex_);
  const auto ask = [&](const LeaseCall& call) {
    lock.unlock();
    Result<LeaseAnswer> answer = shared_budget_->lease(call);
    lock.lock();
    dispatch_.answered(answer, now());
  };
  while (!is_ending_) {
    if (calls_at_ == TimePoint::max()) {
      call_.wait(lock);
    } else if (now() < calls_at_) {
      call_.wait_until(lock, calls_at_);
    } else {
      calls_at_ = TimePoint::max();
      if (const std::optional<TimePoint> at = dispatch_.call_at(); at && *at <= now()) {
        ask(dispatch_.begin_call(now()));
      }
      advance(lock);
    }
  }
  if (const std::optional<LeaseCall> call = dispatch_.last_call()) ask(*call);
}

}  // namespace penstock
