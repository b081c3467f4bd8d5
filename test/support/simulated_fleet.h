// Many workers on one shared budget and one service, in simulated time. Calls of the budget and
// arrivals at the service take time, each another.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "engine/core/random.h"
#include "engine/stages/throttle/dispatch.h"
#include "loadgen/emulate/quota_enforcer.h"
#include "test/support/catch.h"
#include "test/support/memory_budget.h"

namespace penstock {

class SimulatedFleet {
 public:
  struct Worker {
    Worker(const std::vector<KeyQuota>& keys, const ThrottleOptions& options, BudgetMemory& memory)
        : dispatch(keys, options, LimitsKept::by_fleet), budget(memory) {}

    Dispatch dispatch;
    MemoryBudget budget;
    std::uint64_t granted = 0;
    std::vector<Duration> interactive_waits;
    std::map<std::uint64_t, std::pair<TimePoint, Lane>> submitted;  // by request
    std::map<std::uint64_t, Error> refused;
    std::size_t calls = 0;
    std::size_t probes = 0;
    bool is_dead = false;
  };
  struct Sent {
    std::size_t worker = 0;
    std::size_t key = 0;
    std::uint64_t tokens = 0;
    Lane lane = Lane::bulk;
    TimePoint at;
  };
  using Answering = std::function<std::pair<Receipt, Duration>(const Sent&)>;

  SimulatedFleet(BudgetTerms terms, std::size_t workers_count, std::uint64_t seed)
      : memory(terms, [this] { return now; }), random(seed) {
    ThrottleOptions options;
    options.endpoint = terms.endpoint;
    options.interactive_share = terms.interactive_share;
    for (std::size_t i = 0; i < workers_count; ++i) {
      options.seed = seed * 1'000 + i;
      workers.push_back(std::make_unique<Worker>(terms.keys, options, memory));
    }
    for (const KeyQuota& key : terms.keys) {
      enforcer.add_key({key.requests_per_minute, key.tokens_per_minute});
    }
  }

  void submit(std::size_t worker, std::uint64_t tokens, Lane lane = Lane::bulk) {
    Worker& one = *workers[worker];
    const std::uint64_t request = one.dispatch.submit(tokens, lane);
    one.submitted[request] = {now, lane};
    step(worker);
  }
  // All of a worker's events from now on are lost.
  void kill(std::size_t worker) { workers[worker]->is_dead = true; }

  void at(TimePoint time, std::function<void()> act) {
    events_.push({time, next_event_++, std::move(act)});
  }
  void run_until(TimePoint until) {
    while (!events_.empty() && events_.top().at <= until) {
      const Event event = events_.top();
      events_.pop();
      REQUIRE(event.at >= now);
      now = event.at;
      event.act();
    }
    now = until;
  }
  void run_for(Duration span) { run_until(now + span); }

  Duration up_to(Duration longest) {
    return Duration(
        static_cast<Duration::rep>(random.below(static_cast<std::size_t>(longest.count()) + 1)));
  }

  TimePoint now{std::chrono::hours(1)};
  BudgetMemory memory;
  Random random;
  std::vector<std::unique_ptr<Worker>> workers;
  QuotaEnforcer enforcer;
  std::vector<Sent> sent;
  // Of a call, there and back each; of a request until it arrives.
  Duration call_latency_max = std::chrono::milliseconds(3);
  Duration arrival_latency_max = std::chrono::milliseconds(80);
  // How a request is answered, and after what time; absent: embedded, as estimated.
  Answering answering;
  // Called when a request has left, and when it was answered; may submit.
  std::function<void(const Sent&)> left;
  std::function<void(const Sent&, const Receipt&)> settled;

 private:
  struct Event {
    TimePoint at;
    std::uint64_t order = 0;
    std::function<void()> act;
    bool operator<(const Event& other) const {  // earliest on top
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void step(std::size_t index) {
    Worker& worker = *workers[index];
    if (worker.is_dead) return;
    Dispatch::Step step = worker.dispatch.advance(now);
    if (worker.dispatch.next_wake()) wake(index, *worker.dispatch.next_wake());
    if (worker.dispatch.call_at()) wake(index, *worker.dispatch.call_at());
    for (const Dispatch::Decision& decision : step.decisions) {
      const auto [submitted_at, lane] = worker.submitted.extract(decision.request).mapped();
      if (!decision.grant) {
        worker.refused.emplace(decision.request, decision.grant.error());
        continue;
      }
      ++worker.granted;
      if (lane == Lane::interactive) worker.interactive_waits.push_back(now - submitted_at);
      send(index, *decision.grant, lane);
    }
    if (step.probe_key) {
      ++worker.probes;
      at(now + std::chrono::milliseconds(50), [this, index] {
        if (workers[index]->is_dead) return;
        workers[index]->dispatch.settle_probe({}, now);
        this->step(index);
      });
    }
    call_if_due(index);
  }

  void wake(std::size_t index, TimePoint time) {
    if (time > now) at(time, [this, index] { step(index); });
  }

  void call_if_due(std::size_t index) {
    Worker& worker = *workers[index];
    if (!worker.dispatch.call_at() || *worker.dispatch.call_at() > now) return;
    ++worker.calls;
    const TimePoint asked_at = now;
    at(now + up_to(call_latency_max),
       [this, index, asked_at, call = worker.dispatch.begin_call(now)] {
         Result<LeaseAnswer> answer = workers[index]->budget.lease(call);
         if (answer) {
           for (Lease& lease : answer->leases) lease.valid_until = asked_at + lease_valid_for;
         }
         at(now + up_to(call_latency_max), [this, index, answer = std::move(answer)] {
           if (workers[index]->is_dead) return;
           workers[index]->dispatch.answered(answer, now);
           step(index);
         });
       });
  }

  void send(std::size_t index, const Grant& grant, Lane lane) {
    const Sent one{index, grant.key, grant.tokens, lane, now};
    sent.push_back(one);
    if (left) left(one);
    auto [receipt, latency] =
        answering ? answering(one) : std::pair(Receipt{}, Duration(std::chrono::milliseconds(300)));
    at(now + up_to(arrival_latency_max), [this, one, counted = receipt.tokens] {
      enforcer.ask(one.key, counted.value_or(one.tokens), now);
    });
    at(now + latency, [this, one, grant, answer = receipt] {
      if (workers[one.worker]->is_dead) return;
      workers[one.worker]->dispatch.settle(grant, answer, now);
      if (settled) settled(one, answer);
      step(one.worker);
    });
  }

  std::priority_queue<Event> events_;
  std::uint64_t next_event_ = 0;
};

}  // namespace penstock
