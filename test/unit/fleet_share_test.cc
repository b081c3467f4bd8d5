#include "engine/stages/throttle/fleet_share.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/stages/throttle/dispatch.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

const std::vector<KeyQuota> two_keys = {{"A", 600, 60'000}, {"B", 600, 60'000}};

// A process of a fleet, whose budget answers what the test says.
class Process {
 public:
  explicit Process(std::size_t requests_in_flight_max = 64)
      : dispatch(two_keys, options_of(requests_in_flight_max), LimitsKept::by_fleet) {}

  static ThrottleOptions options_of(std::size_t requests_in_flight_max) {
    ThrottleOptions options;
    options.endpoint = "http://embed";
    options.requests_in_flight_max = requests_in_flight_max;
    return options;
  }

  std::uint64_t submit(std::uint64_t tokens, Lane lane = Lane::bulk) {
    const std::uint64_t request = dispatch.submit(tokens, lane);
    step();
    return request;
  }
  void step() {
    const Dispatch::Step step = dispatch.advance(now);
    if (step.probe_key) probe_key = step.probe_key;
    for (const Dispatch::Decision& decision : step.decisions) {
      if (decision.grant) {
        grants.push_back(*decision.grant);
      } else {
        refused.push_back(decision.grant.error());
      }
    }
  }
  bool is_call_due() const { return dispatch.call_at() && *dispatch.call_at() <= now; }
  // What it asks when it is time to.
  LeaseCall next_call() {
    REQUIRE(dispatch.call_at());
    now = std::max(now, *dispatch.call_at());
    return dispatch.begin_call(now);
  }
  void answer(Result<LeaseAnswer> answer) {
    if (answer) answer->keys.resize(two_keys.size(), {600, 60'000, 0, 0});
    dispatch.answered(answer, now);
    step();
  }
  // All that the call wishes, of one key.
  void lease_all(const LeaseCall& call, std::size_t key = 0) {
    LeaseAnswer all;
    for (std::size_t wish = 0; wish < call.wishes.size(); ++wish) {
      all.leases.push_back({wish, key, call.wishes[wish].tokens, 100, 1, now + lease_valid_for});
    }
    answer(all);
  }
  void deny(Lane lane, Duration ask_again_in) {
    LeaseAnswer denial;
    denial.denials[index_of(lane)] = Denial{ask_again_in, Scarce::tokens};
    answer(denial);
  }
  void settle(const Grant& grant, const Receipt& receipt) {
    dispatch.settle(grant, receipt, now);
    step();
  }
  void settle(const Grant& grant, Answer answer) {
    Receipt receipt;
    receipt.answer = answer;
    settle(grant, receipt);
  }
  // The endpoint fails until the breaker opens.
  void take_down() {
    for (int i = 0; i < 5; ++i) submit(10);
    lease_all(next_call());
    REQUIRE(grants.size() == 5);
    for (const Grant& grant : grants) settle(grant, Answer::failed);
    grants.clear();
    REQUIRE(dispatch.state(now).endpoint_down);
  }

  TimePoint now{1h};
  Dispatch dispatch;
  std::vector<Grant> grants;
  std::vector<Error> refused;
  std::optional<std::size_t> probe_key;
};

TEST_CASE("fleet share: a process with nothing that waits asks nothing") {
  Process process;
  process.step();
  CHECK_FALSE(process.dispatch.call_at());
  process.submit(100);
  CHECK(process.is_call_due());
  const LeaseCall call = process.next_call();
  REQUIRE(call.wishes.size() == 1);
  CHECK(call.wishes[0].tokens == 100);
  CHECK(call.usable == std::vector<bool>{true, true});
  CHECK(process.grants.empty());
  process.lease_all(call, 1);
  REQUIRE(process.grants.size() == 1);
  CHECK(process.grants[0].key == 1);
  CHECK_FALSE(process.dispatch.call_at());
}

TEST_CASE("fleet share: all that waits is asked for at once in the order of its lanes") {
  Process process(3);
  for (const std::uint64_t tokens : {1, 2, 3}) process.submit(tokens);
  process.submit(4, Lane::interactive);
  const LeaseCall call = process.next_call();
  std::vector<std::uint64_t> tokens;
  for (const Wish& wish : call.wishes) tokens.push_back(wish.tokens);
  CHECK(tokens == std::vector<std::uint64_t>{4, 1, 2});  // three may be in flight
  CHECK(call.wishes[0].lane == Lane::interactive);
  process.lease_all(call);
  CHECK(process.grants.size() == 3);
  CHECK_FALSE(process.dispatch.call_at());
  CHECK(process.dispatch.state(process.now).binding == Binding::requests_in_flight);
}

TEST_CASE("fleet share: who got nothing comes back when it was told to") {
  Process process;
  process.submit(100);
  process.next_call();
  process.deny(Lane::bulk, 500ms);
  const TimePoint denied_at = process.now;
  REQUIRE(process.dispatch.call_at());
  CHECK(*process.dispatch.call_at() >= denied_at + 500ms);
  CHECK(*process.dispatch.call_at() <= denied_at + 750ms);
  process.submit(10);
  CHECK(*process.dispatch.call_at() >= denied_at + 500ms);
  SECTION("but somebody who waits asks at once and alone") {
    process.submit(20, Lane::interactive);
    CHECK(process.is_call_due());
    const LeaseCall call = process.next_call();
    REQUIRE(call.wishes.size() == 1);
    CHECK(call.wishes[0].tokens == 20);
    process.lease_all(call);
    CHECK(*process.dispatch.call_at() >= denied_at + 500ms);
  }
}

TEST_CASE("fleet share: a lease that cannot be used at once is given back") {
  Process process;
  process.submit(100);
  const LeaseCall call = process.next_call();
  SECTION("since it is old") {
    LeaseAnswer answer;
    answer.leases.push_back({0, 0, 100, 7, 1, process.now});
    process.answer(answer);
  }
  SECTION("since its request waits no more") {
    process.dispatch.stop();
    process.step();
    process.lease_all(call);
  }
  CHECK(process.grants.empty());
  const LeaseCall next = process.next_call();
  REQUIRE(next.ends.size() == 1);
  CHECK_FALSE(next.ends[0].sent);
  CHECK(next.ends[0].lease.tokens == 100);
}

TEST_CASE("fleet share: a lease that was used as leased needs no word") {
  Process process;
  process.submit(100);
  process.lease_all(process.next_call());
  Receipt receipt;
  receipt.tokens = 100;
  receipt.sent_at = process.now + 200ms;
  process.now += 1s;
  process.settle(process.grants[0], receipt);
  CHECK_FALSE(process.dispatch.call_at());
  CHECK_FALSE(process.dispatch.last_call());
}

TEST_CASE("fleet share: what the provider counted and when the request left is told") {
  Process process;
  process.submit(100);
  process.lease_all(process.next_call());
  const TimePoint leased_at = process.now;
  Receipt receipt;
  receipt.tokens = 120;
  receipt.sent_at = leased_at + 1s;
  process.now += 2s;
  process.settle(process.grants[0], receipt);
  const LeaseCall call = process.next_call();
  REQUIRE(call.ends.size() == 1);
  CHECK(call.ends[0].sent);
  CHECK(call.ends[0].lease.tokens == 100);
  CHECK(call.ends[0].tokens == 120);
  CHECK(call.ends[0].late == 750ms);
  CHECK(call.wishes.empty());
}

TEST_CASE("fleet share: of a call that may have failed only what takes room is told again") {
  Process process;
  for (const std::uint64_t tokens : {100, 200, 300}) process.submit(tokens);
  process.lease_all(process.next_call());
  Receipt less;
  less.tokens = 50;
  Receipt more;
  more.tokens = 250;
  process.settle(process.grants[0], less);
  process.settle(process.grants[1], more);
  const LeaseCall call = process.next_call();
  CHECK(call.ends.size() == 2);
  process.answer(retryable_error("redis: no answer"));
  CHECK(process.dispatch.state(process.now).shared_budget_failure == "redis: no answer");
  const LeaseCall again = process.next_call();
  REQUIRE(again.ends.size() == 1);
  CHECK(again.ends[0].tokens == 250);
  process.lease_all(again);
  CHECK(process.dispatch.state(process.now).shared_budget_failure.empty());
}

TEST_CASE("fleet share: attempts at a budget that cannot be reached grow apart") {
  Process process;
  process.submit(100);
  Duration longest{0};
  for (int i = 0; i < 20; ++i) {
    const TimePoint before = process.now;
    const LeaseCall call = process.next_call();
    longest = std::max(longest, process.now - before);
    process.answer(retryable_error("redis: no answer"));
  }
  CHECK(process.dispatch.state(process.now).binding == Binding::shared_budget);
  CHECK(longest > 1s);
  CHECK(longest <= 2s);
}

TEST_CASE("fleet share: processes that do not agree end with the reason") {
  Process process;
  process.submit(100);
  process.next_call();
  process.answer(permanent_error("other limits"));
  REQUIRE(process.refused.size() == 1);
  CHECK(process.refused[0].kind == ErrorKind::permanent);
  CHECK(process.refused[0].message == "other limits");
}

TEST_CASE("fleet share: a probe of a dead endpoint is leased like a request") {
  Process process;
  process.take_down();
  process.submit(100);
  CHECK_FALSE(process.dispatch.call_at());
  REQUIRE(process.dispatch.next_wake());
  process.now = *process.dispatch.next_wake();
  process.step();
  const LeaseCall call = process.next_call();
  REQUIRE(call.wishes.size() == 1);
  CHECK(call.wishes[0].lane == Lane::interactive);
  CHECK(call.wishes[0].tokens == ThrottleOptions{}.probe_tokens);
  CHECK_FALSE(process.probe_key);
  process.lease_all(call, 1);
  CHECK(process.probe_key == std::optional<std::size_t>(1));
  CHECK_FALSE(process.dispatch.call_at());
  process.dispatch.settle_probe({}, process.now);
  process.step();
  CHECK(process.next_call().wishes.size() == 1);
}

TEST_CASE("fleet share: leases that come when the endpoint is down are given back") {
  Process process;
  for (int i = 0; i < 5; ++i) process.submit(10);
  process.lease_all(process.next_call());
  process.submit(100);
  const LeaseCall call = process.next_call();
  for (const Grant& grant : std::vector<Grant>(process.grants)) {
    process.settle(grant, Answer::failed);
  }
  process.lease_all(call);
  CHECK(process.grants.size() == 5);
  const LeaseCall next = process.next_call();
  REQUIRE(next.ends.size() == 1);
  CHECK_FALSE(next.ends[0].sent);
  CHECK(next.wishes.empty());
}

TEST_CASE("fleet share: a key that is refused is not asked for again") {
  Process process;
  process.submit(100);
  process.lease_all(process.next_call(), 0);
  process.settle(process.grants[0], Answer::key_refused);
  process.submit(100);
  const LeaseCall call = process.next_call();
  CHECK(call.usable == std::vector<bool>{false, true});
}

TEST_CASE(
    "fleet share: a pause is told at once and as long as it lasts and a lower limit with every "
    "call") {
  Process process;
  process.submit(100);
  process.lease_all(process.next_call(), 1);
  Receipt receipt;
  receipt.answer = Answer::rate_limited;
  receipt.limits.retry_after = 5s;
  receipt.limits.tokens_per_minute = 30'000;
  process.settle(process.grants[0], receipt);
  CHECK(process.is_call_due());
  const LeaseCall call = process.next_call();
  CHECK(call.wishes.empty());
  REQUIRE(call.reports.size() == 1);
  CHECK(call.reports[0].key == 1);
  CHECK(call.reports[0].pause == 5s);
  CHECK(call.reports[0].tokens_per_minute == 30'000);
  CHECK(call.reports[0].requests_per_minute == 0);
  process.answer(LeaseAnswer{});
  process.now += 2s;
  process.submit(100);
  const LeaseCall during = process.next_call();
  REQUIRE(during.reports.size() == 1);
  CHECK(during.reports[0].pause == 3s);
  process.deny(Lane::bulk, 1s);
  process.now += 3s;
  const LeaseCall next = process.next_call();
  REQUIRE(next.reports.size() == 1);
  CHECK(next.reports[0].pause == 0s);
  CHECK(next.reports[0].tokens_per_minute == 30'000);
}

TEST_CASE("fleet share: what a provider has left after the fleet's use holds nobody back") {
  Process process;
  process.submit(100);
  process.lease_all(process.next_call());
  Receipt receipt;
  receipt.limits.tokens_left = 0;
  receipt.limits.requests_left = 0;
  process.settle(process.grants[0], receipt);
  process.submit(100);
  process.lease_all(process.next_call());
  CHECK(process.grants.size() == 2);
}

TEST_CASE("fleet share: a request that fits no key is refused without asking") {
  Process process;
  process.submit(60'001);
  REQUIRE(process.refused.size() == 1);
  CHECK(process.refused[0].message ==
        "a request of 60001 tokens is more than the 60000 tokens a minute of key A: use a smaller "
        "--request-tokens or --chunk-tokens");
  CHECK_FALSE(process.dispatch.call_at());
}

TEST_CASE("fleet share: keys are shown as the whole fleet uses them") {
  Process process;
  process.submit(100);
  LeaseAnswer answer;
  answer.keys = {{600, 60'000, 300, 54'000}, {600, 30'000, 0, 0}};
  process.next_call();
  process.answer(answer);
  const ThrottleState state = process.dispatch.state(process.now);
  CHECK(state.keys[0].tokens_utilisation == 0.9);
  CHECK(state.keys[0].requests_utilisation == 0.5);
  CHECK(state.keys[1].tokens_per_minute == std::optional<std::uint64_t>(30'000));
}

}  // namespace
}  // namespace penstock
