// Twenty workers on one quota, in simulated time, judged by the emulator's account of it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "test/support/catch.h"
#include "test/support/simulated_fleet.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Sent = SimulatedFleet::Sent;

constexpr std::size_t workers_count = 20;

// Every worker always has so many bulk requests that wait.
void keep_full(SimulatedFleet& fleet, std::size_t depth, std::uint64_t tokens_max) {
  fleet.left = [&fleet, tokens_max](const Sent& sent) {
    if (sent.lane != Lane::bulk) return;
    fleet.at(fleet.now, [&fleet, tokens_max, worker = sent.worker] {
      if (!fleet.workers[worker]->is_dead) {
        fleet.submit(worker, 1 + fleet.random.below(tokens_max));
      }
    });
  };
  for (std::size_t worker = 0; worker < fleet.workers.size(); ++worker) {
    for (std::size_t i = 0; i < depth; ++i) {
      fleet.submit(worker, 1 + fleet.random.below(tokens_max));
    }
  }
}

void interactive_trickle(SimulatedFleet& fleet, Duration mean_gap, std::uint64_t tokens) {
  fleet.at(fleet.now + fleet.up_to(2 * mean_gap), [&fleet, mean_gap, tokens] {
    fleet.submit(fleet.random.below(fleet.workers.size()), tokens, Lane::interactive);
    interactive_trickle(fleet, mean_gap, tokens);
  });
}

double utilisation(const SimulatedFleet& fleet, TimePoint from, TimePoint to,
                   std::uint64_t tokens_per_minute) {
  std::uint64_t tokens = 0;
  for (const Sent& sent : fleet.sent) {
    if (sent.at >= from && sent.at < to) tokens += sent.tokens;
  }
  return static_cast<double>(tokens) /
         (static_cast<double>(tokens_per_minute) * ((to - from) / 1.0min));
}

void check_never_exceeded(const SimulatedFleet& fleet) {
  for (std::size_t key = 0; key < fleet.enforcer.keys(); ++key) {
    const QuotaUse use = fleet.enforcer.use(key);
    CHECK(use.violations == 0);
    CHECK(use.overshoot_requests_max == 0);
    CHECK(use.overshoot_tokens_max == 0);
  }
}

std::vector<Duration> interactive_waits(const SimulatedFleet& fleet) {
  std::vector<Duration> waits;
  for (const auto& worker : fleet.workers) {
    waits.insert(waits.end(), worker->interactive_waits.begin(), worker->interactive_waits.end());
  }
  std::ranges::sort(waits);
  return waits;
}

TEST_CASE("fleet simulation: twenty workers use a quota whole and never exceed it") {
  const std::vector<KeyQuota> keys = {
      {"A", 100'000, 3'000'000}, {"B", 66'000, 2'000'000}, {"C", 34'000, 1'000'000}};
  SimulatedFleet fleet({"http://embed", keys, 0}, workers_count, 1);
  keep_full(fleet, 8, 4'000);
  const TimePoint start = fleet.now;
  fleet.run_for(10min);
  const double used = utilisation(fleet, start + 1min, fleet.now, 6'000'000);
  CAPTURE(used);
  CHECK(used >= 0.985);
  check_never_exceeded(fleet);
  SECTION("and share it fairly") {
    std::vector<std::uint64_t> granted;
    for (const auto& worker : fleet.workers) granted.push_back(worker->granted);
    const auto [least, most] = std::ranges::minmax(granted);
    CAPTURE(least);
    CAPTURE(most);
    CHECK(static_cast<double>(least) > 0.8 * static_cast<double>(most));
  }
  SECTION("with few calls") {
    std::size_t calls = 0;
    for (const auto& worker : fleet.workers) calls += worker->calls;
    CAPTURE(calls);
    CHECK(calls / 600 < 200);
  }
}

TEST_CASE("fleet simulation: requests that run out first are used whole too") {
  SimulatedFleet fleet({"http://embed", {{"A", 3'000, 6'000'000}}, 0}, workers_count, 2);
  keep_full(fleet, 8, 1'000);
  fleet.run_for(5min);
  std::size_t requests = 0;
  for (const Sent& sent : fleet.sent) requests += sent.at >= fleet.now - 4min ? 1 : 0;
  CHECK(requests > 0.985 * 3'000 * 4);
  check_never_exceeded(fleet);
}

TEST_CASE("fleet simulation: what only somebody waits for leaves at once in any worker") {
  constexpr std::uint64_t tokens_a_minute = 900'000;
  SECTION("where a share is reserved") {
    SimulatedFleet fleet({"http://embed", {{"A", 3'000, tokens_a_minute}}, 0.1}, workers_count, 3);
    keep_full(fleet, 8, 3'500);
    interactive_trickle(fleet, 2s, 500);
    fleet.run_for(10min);
    const std::vector<Duration> waits = interactive_waits(fleet);
    REQUIRE(waits.size() > 250);
    CHECK(waits.back() < 20ms);
    check_never_exceeded(fleet);
  }
  SECTION("and soon without one") {
    SimulatedFleet fleet({"http://embed", {{"A", 3'000, tokens_a_minute}}, 0}, workers_count, 4);
    keep_full(fleet, 8, 3'500);
    interactive_trickle(fleet, 500ms, 500);
    const TimePoint start = fleet.now;
    fleet.run_for(10min);
    const std::vector<Duration> waits = interactive_waits(fleet);
    REQUIRE(waits.size() > 1'000);
    const Duration p99 = waits[waits.size() * 99 / 100];
    CAPTURE(p99 / 1ms);
    CHECK(p99 < 600ms);
    CHECK(utilisation(fleet, start + 1min, fleet.now, tokens_a_minute) >= 0.98);
    check_never_exceeded(fleet);
  }
}

TEST_CASE("fleet simulation: bulk has a tenth of a quota that interactive requests would fill") {
  SimulatedFleet fleet({"http://embed", {{"A", 6'000, 900'000}}, 0}, workers_count, 5);
  // Half of the workers have only bulk, half only interactive requests.
  fleet.left = [&fleet](const Sent& sent) {
    fleet.at(fleet.now, [&fleet, sent] {
      fleet.submit(sent.worker, 1 + fleet.random.below(1'000), sent.lane);
    });
  };
  for (std::size_t worker = 0; worker < workers_count; ++worker) {
    for (int i = 0; i < 8; ++i) {
      fleet.submit(worker, 500, worker % 2 == 0 ? Lane::bulk : Lane::interactive);
    }
  }
  fleet.run_for(10min);
  std::uint64_t bulk = 0;
  std::uint64_t all = 0;
  for (const Sent& sent : fleet.sent) {
    if (sent.at < fleet.now - 5min) continue;
    all += sent.tokens;
    if (sent.lane == Lane::bulk) bulk += sent.tokens;
  }
  const double part = static_cast<double>(bulk) / static_cast<double>(all);
  CAPTURE(part);
  CHECK(part > 0.07);
  CHECK(part < 0.13);
  CHECK(static_cast<double>(all) > 0.97 * 900'000 * 5);
  check_never_exceeded(fleet);
}

TEST_CASE("fleet simulation: nothing is exceeded whatever goes wrong") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    std::vector<KeyQuota> keys;
    for (std::size_t i = 0; i < 1 + random.below(3); ++i) {
      keys.push_back({"key", 300 + random.below(3'000), 50'000 + random.below(500'000)});
    }
    SimulatedFleet fleet({"http://embed", keys, seed % 2 == 0 ? 0.2 : 0}, workers_count, seed);
    fleet.answering = [&random](const Sent& sent) {
      Receipt receipt;
      Duration latency = std::chrono::milliseconds(100 + random.below(800));
      switch (random.below(60)) {
        case 0:
          receipt.answer = Answer::rate_limited;
          break;
        case 1:
          receipt.answer = Answer::rate_limited;
          receipt.limits.retry_after = std::chrono::milliseconds(random.below(2'000));
          break;
        case 2:
          receipt.answer = Answer::failed;
          latency = 20s;
          break;
        case 3:
          receipt.tokens = sent.tokens - random.below(sent.tokens);
          break;
        default:
          break;
      }
      return std::pair(receipt, latency);
    };
    // Some leases come too late to be used.
    fleet.call_latency_max = seed % 3 == 0 ? 3ms : 150ms;
    keep_full(fleet, 6, 2'000);
    interactive_trickle(fleet, 300ms, 200);
    const TimePoint start = fleet.now;
    fleet.at(start + 130s, [&fleet] { fleet.kill(3); });
    fleet.at(start + 131s, [&fleet] { fleet.kill(4); });
    fleet.at(start + 150s, [&fleet] { fleet.memory.lose(); });
    for (std::size_t worker = 0; worker < workers_count; ++worker) {
      fleet.at(start + 330s,
               [&fleet, worker] { fleet.workers[worker]->budget.is_reachable = false; });
      fleet.at(start + 350s,
               [&fleet, worker] { fleet.workers[worker]->budget.is_reachable = true; });
    }
    fleet.run_for(8min);
    check_never_exceeded(fleet);
  }
}

TEST_CASE("fleet simulation: a budget that lost its memory leases nothing for a minute") {
  SimulatedFleet fleet({"http://embed", {{"A", 3'000, 900'000}}, 0}, workers_count, 6);
  keep_full(fleet, 8, 3'500);
  fleet.run_for(2min);
  const TimePoint lost_at = fleet.now;
  fleet.memory.lose();
  fleet.run_for(3min);
  TimePoint next = TimePoint::max();
  for (const Sent& sent : fleet.sent) {
    if (sent.at > lost_at + 1s) next = std::min(next, sent.at);
  }
  CHECK(next >= lost_at + 60s);
  CHECK(next <= lost_at + 63s);
  check_never_exceeded(fleet);
}

TEST_CASE("fleet simulation: while the budget cannot be reached everything waits and says so") {
  SimulatedFleet fleet({"http://embed", {{"A", 3'000, 900'000}}, 0}, 2, 7);
  keep_full(fleet, 8, 3'500);
  fleet.run_for(10s);
  for (const auto& worker : fleet.workers) worker->budget.is_reachable = false;
  fleet.run_for(1s);
  const std::size_t sent = fleet.sent.size();
  fleet.run_for(1min);
  CHECK(fleet.sent.size() == sent);
  const ThrottleState state = fleet.workers[0]->dispatch.state(fleet.now);
  CHECK(state.binding == Binding::shared_budget);
  CHECK(state.shared_budget_failure == "the budget cannot be reached");
  for (const auto& worker : fleet.workers) worker->budget.is_reachable = true;
  fleet.run_for(4s);
  CHECK(fleet.sent.size() > sent);
  CHECK(fleet.workers[0]->dispatch.state(fleet.now).shared_budget_failure.empty());
  check_never_exceeded(fleet);
}

TEST_CASE("fleet simulation: a pause that one worker was asked for holds for all") {
  SimulatedFleet fleet({"http://embed", {{"A", 3'000, 900'000}}, 0}, workers_count, 8);
  bool refuse = false;
  fleet.answering = [&refuse](const Sent&) {
    Receipt receipt;
    if (std::exchange(refuse, false)) {
      receipt.answer = Answer::rate_limited;
      receipt.limits.retry_after = 10s;
    }
    return std::pair(receipt, Duration(300ms));
  };
  keep_full(fleet, 8, 3'500);
  fleet.run_for(2min);
  refuse = true;
  fleet.run_for(2s);
  const TimePoint paused_at = fleet.now;
  fleet.run_for(15s);
  std::size_t meanwhile = 0;
  std::size_t after = 0;
  for (const Sent& sent : fleet.sent) {
    if (sent.at <= paused_at) continue;
    ++(sent.at < paused_at + 8s ? meanwhile : after);
  }
  CHECK(meanwhile == 0);
  CHECK(after > 0);
}

}  // namespace
}  // namespace penstock
