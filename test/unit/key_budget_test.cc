#include "engine/stages/throttle/key_budget.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};
constexpr Meter::Share paced = Meter::Share::but_reserved;

Receipt answer_of(Answer answer) {
  Receipt receipt;
  receipt.answer = answer;
  return receipt;
}

Receipt limits_of(std::optional<std::uint64_t> requests, std::optional<std::uint64_t> tokens) {
  Receipt receipt;
  receipt.limits.requests_per_minute = requests;
  receipt.limits.tokens_per_minute = tokens;
  return receipt;
}

// Sends a request and has it answered in the same moment.
void ask(KeyBudget& key, const Receipt& receipt, TimePoint now) {
  key.settle(key.add(1, now), now, receipt, now);
}

TEST_CASE("key budget: requests and tokens both bind") {
  SECTION("tokens") {
    KeyBudget key({"A", 601, 6'010}, 0, 1);
    key.add(200, start);
    const Turn turn = key.next(1, paced, start);
    CHECK(turn.at == start + 2s);
    CHECK(turn.waits_for == Binding::tokens);
  }
  SECTION("requests") {
    KeyBudget key({"A", 60, 1'000'000}, 0, 1);
    key.add(200, start);
    const Turn turn = key.next(1, paced, start);
    CHECK(turn.at > start + 1s);
    CHECK(turn.at < start + 1010ms);
    CHECK(turn.waits_for == Binding::requests);
  }
}

TEST_CASE("key budget: Retry-After is obeyed exactly and never shortened") {
  KeyBudget key({"A", 60'000, 1'000'000}, 0, 1);
  Receipt receipt = answer_of(Answer::rate_limited);
  receipt.limits.retry_after = 20s;
  const Meter::Entry first = key.add(1, start);
  const Meter::Entry second = key.add(1, start);
  key.settle(first, start, receipt, start + 1s);
  receipt.limits.retry_after = 3s;
  key.settle(second, start, receipt, start + 2s);
  const Turn turn = key.next(1, paced, start + 2s);
  CHECK(turn.at == start + 21s);
  CHECK(turn.waits_for == Binding::retry_after);
  CHECK(key.state(start + 2s).paused_for == 19s);
  CHECK(key.next(1, paced, start + 21s).at == start + 21s);
}

TEST_CASE("key budget: Retry-After of a century does not overflow") {
  KeyBudget key({"A", 60'000, 1'000'000}, 0, 1);
  Receipt receipt = answer_of(Answer::rate_limited);
  receipt.limits.retry_after = Duration::max();
  ask(key, receipt, start);
  CHECK(key.next(1, paced, start).at > start + 24h * 300);
}

TEST_CASE("key budget: refusals without a hint double the longest wait until a success") {
  Duration longest{0};
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    KeyBudget key({"A", 6'000'000, 1'000'000'000}, 0, seed);
    TimePoint now = start;
    Duration wait_max = 500ms;
    for (int i = 0; i < 10; ++i) {
      now += 1ms;
      ask(key, answer_of(Answer::rate_limited), now);
      const Duration wait = key.next(1, paced, now).at - now;
      CHECK(wait > 0s);
      CHECK(wait <= wait_max);
      longest = std::max(longest, wait);
      wait_max = std::min<Duration>(wait_max * 2, 60s);
      now += wait;
    }
    now += 1ms;
    ask(key, answer_of(Answer::embedded), now);
    ask(key, answer_of(Answer::rate_limited), now + 1ms);
    CHECK(key.next(1, paced, now + 1ms).at - now <= 501ms);
  }
  CHECK(longest > 50s);
}

TEST_CASE("key budget: refusals of requests that were under way together are one") {
  KeyBudget key({"A", 6'000'000, 1'000'000'000}, 0, 1);
  std::vector<Meter::Entry> sent;
  for (int i = 0; i < 10; ++i) sent.push_back(key.add(1, start));
  for (const Meter::Entry entry : sent) {
    key.settle(entry, start, answer_of(Answer::rate_limited), start + 10ms);
  }
  CHECK(key.next(1, paced, start + 10ms).at <= start + 510ms);
}

TEST_CASE("key budget: a provider's lower limit is adopted and a higher one is not") {
  KeyBudget key({"A", 100, 10'000}, 0, 1);
  ask(key, limits_of(1'000, 5'000), start);
  CHECK(key.state(start).requests_per_minute == 100U);
  CHECK(key.state(start).tokens_per_minute == 5'000U);
  CHECK_FALSE(key.fits(5'001));
  ask(key, limits_of(std::nullopt, 8'000), start);
  CHECK(key.state(start).tokens_per_minute == 8'000U);
  ask(key, limits_of(0, 80'000), start);
  CHECK(key.state(start).requests_per_minute == 100U);
  CHECK(key.state(start).tokens_per_minute == 10'000U);
}

TEST_CASE("key budget: a key without known limits starts with few requests at once") {
  KeyBudget key({"A", 0, 0}, 0, 1);
  std::vector<Meter::Entry> sent;
  for (int i = 0; i < 4; ++i) {
    CHECK(key.next(1, paced, start).at == start);
    sent.push_back(key.add(1, start));
  }
  CHECK(key.next(1, paced, start).at == TimePoint::max());
  CHECK(key.next(1, paced, start).waits_for == Binding::requests_in_flight);
  SECTION("every good answer allows one more") {
    key.settle(sent[0], start, answer_of(Answer::embedded), start);
    CHECK(key.next(1, paced, start).at == start);
    key.add(1, start);
    CHECK(key.next(1, paced, start).at == start);
    key.add(1, start);
    CHECK(key.next(1, paced, start).at == TimePoint::max());
  }
  SECTION("the provider's limits replace that") {
    key.settle(sent[0], start, limits_of(std::nullopt, 1'000'000), start + 1s);
    CHECK(key.next(1, paced, start + 1s).at == start + 1s);
    CHECK(key.state(start).tokens_per_minute == 1'000'000U);
  }
}

TEST_CASE("key budget: unexplained refusals lower the limits only when they are frequent") {
  KeyBudget key({"A", 6'000, 1'000'000}, 0, 1);
  TimePoint now = start;
  const auto answer = [&](Answer kind) {
    now += 1s;
    ask(key, answer_of(kind), now);
  };
  SECTION("two in twenty do not") {
    for (int i = 0; i < 100; ++i) answer(i % 10 == 0 ? Answer::rate_limited : Answer::embedded);
    CHECK(key.state(now).tokens_per_minute == 1'000'000U);
  }
  SECTION("explained ones do not") {
    Receipt receipt = answer_of(Answer::rate_limited);
    receipt.limits.retry_after = 1s;
    for (int i = 0; i < 10; ++i) ask(key, receipt, now += 2s);
    CHECK(key.state(now).tokens_per_minute == 1'000'000U);
  }
  SECTION("three do and the limits come back a hundredth a minute") {
    for (int i = 0; i < 3; ++i) answer(Answer::rate_limited);
    CHECK(key.state(now).tokens_per_minute == 900'000U);
    CHECK(key.state(now).requests_per_minute == 5'400U);
    CHECK(key.fits(1'000'000));
    CHECK(key.state(now + 59s).tokens_per_minute == 900'000U);
    CHECK(key.state(now + 61s).tokens_per_minute == 910'000U);
    CHECK(key.state(now + 5min).tokens_per_minute == 950'000U);
    CHECK(key.state(now + 1h).tokens_per_minute == 1'000'000U);
  }
  SECTION("those that were sent before do not lower them again") {
    for (int i = 0; i < 3; ++i) answer(Answer::rate_limited);
    for (int i = 0; i < 9; ++i) {
      key.settle(key.add(1, now), now - 1s, answer_of(Answer::rate_limited), now);
    }
    CHECK(key.state(now).tokens_per_minute == 900'000U);
  }
}

TEST_CASE("key budget: a refused key fits nothing") {
  KeyBudget key({"A", 60, 1'000}, 0, 1);
  CHECK(key.fits(1));
  ask(key, answer_of(Answer::key_refused), start);
  CHECK_FALSE(key.fits(1));
  CHECK(key.state(start).refused);
}

}  // namespace
}  // namespace penstock
