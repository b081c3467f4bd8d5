#include "engine/stages/throttle/meter.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "engine/core/random.h"
#include "test/support/catch.h"
#include "test/support/simulated_service.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};
constexpr Meter::Share paced = Meter::Share::but_reserved;

Meter meter_of(std::uint64_t limit) {
  Meter meter;
  meter.set_limit(limit);
  return meter;
}

// Sends as soon as it may, until the end; amounts are 1 to amount_max.
std::vector<Arrival> send_all(Meter& meter, Random& random, std::uint64_t amount_max, Duration span,
                              Duration pause_max) {
  std::vector<Arrival> sent;
  TimePoint now = start;
  while (now < start + span) {
    if (pause_max > 0s && random.below(500) == 0) {
      now += Duration(static_cast<Duration::rep>(random.next() % pause_max.count()));
    }
    const std::uint64_t amount = 1 + random.below(amount_max);
    now = meter.next(amount, paced, now);
    meter.add(amount, now);
    sent.push_back({now, amount});
  }
  return sent;
}

double utilisation(const std::vector<Arrival>& sent, std::uint64_t limit, Duration span) {
  std::uint64_t sum = 0;
  for (const Arrival& one : sent) sum += one.amount;
  return static_cast<double>(sum) / (static_cast<double>(limit) * (span / 1.0min));
}

TEST_CASE("meter: the first request leaves at once and the second when the first is paid") {
  Meter meter = meter_of(6'010);  // 100 a second
  CHECK(meter.next(50, paced, start) == start);
  meter.add(50, start);
  CHECK(meter.next(1, paced, start) == start + 500ms);
  CHECK(meter.next(6'010 - 50, paced, start) == start + 500ms);
}

TEST_CASE("meter: somebody who waits is held back by the minute but not by the pace") {
  Meter meter = meter_of(6'000);
  meter.add(5'000, start);
  CHECK(meter.next(500, paced, start) > start + 49s);
  CHECK(meter.next(500, Meter::Share::all, start) == start);
  CHECK(meter.next(1'500, Meter::Share::all, start) == start + window_held);
}

TEST_CASE("meter: what left late counts for a minute from then on") {
  Meter meter = meter_of(1'000);
  const Meter::Entry entry = meter.add(1'000, start);
  meter.left_at(entry, start + 3s);
  CHECK(meter.next(1, paced, start + 10s) == start + 3s + window_held);
  meter.left_at(entry, start);  // never earlier than it was added
  CHECK(meter.next(1, paced, start + 10s) == start + 3s + window_held);
}

TEST_CASE("meter: a request that needs the whole limit waits until the minute is empty") {
  Meter meter = meter_of(1'000);
  meter.add(1, start);
  meter.add(1, start + 1s);
  CHECK(meter.next(999, paced, start + 1s) == start + window_held);
  CHECK(meter.next(1'000, paced, start + 1s) == start + 1s + window_held);
  CHECK(meter.fits(1'000));
  CHECK_FALSE(meter.fits(1'001));
}

TEST_CASE("meter: a pause is caught up to five seconds of it") {
  Meter meter = meter_of(6'010);
  meter.add(100, start);
  TimePoint now = start + 20s;
  std::uint64_t caught_up = 0;
  while (meter.next(100, paced, now) == now) {
    meter.add(100, now);
    caught_up += 100;
  }
  CHECK(caught_up == 600);  // 5 s, and the one that is paid afterwards
}

TEST_CASE("meter: no window of a minute exceeds the limit and arrival jitter does not change it") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const std::uint64_t limit = 1'000 + random.below(200'000);
    Meter meter = meter_of(limit);
    std::vector<Arrival> sent =
        send_all(meter, random, 1 + limit / (2 + random.below(300)), 30min, 40s);
    CHECK(most_in_a_minute(sent) <= limit);
    for (Arrival& one : sent) one.at += std::chrono::microseconds(random.below(80'001));
    CHECK(most_in_a_minute(sent) <= limit);
  }
}

TEST_CASE("meter: a busy hour uses the limit but for the margin and half a request") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    const std::uint64_t limit = 90'000 + random.below(1'000'000);
    Meter meter = meter_of(limit);
    CHECK(utilisation(send_all(meter, random, limit * 6 / 1'000, 60min, 0s), limit, 60min) >=
          0.993);
  }
}

TEST_CASE("meter: equal requests of the worst size use the limit, too") {
  // 166 of 540 are 89,640; one more is 90,180.
  Meter meter = meter_of(90'000);
  std::vector<Arrival> sent;
  for (TimePoint now = start; now < start + 60min; now = meter.next(540, paced, now)) {
    meter.add(540, now);
    sent.push_back({now, 540});
  }
  CHECK(most_in_a_minute(sent) <= 90'000);
  CHECK(utilisation(sent, 90'000, 60min) >= 0.993);
}

TEST_CASE("meter: a pause of seconds every other minute costs little") {
  Random random(7);
  Meter meter = meter_of(90'000);
  std::vector<Arrival> sent = send_all(meter, random, 540, 60min, 4s);
  CHECK(most_in_a_minute(sent) <= 90'000);
  CHECK(utilisation(sent, 90'000, 60min) >= 0.99);
}

TEST_CASE("meter: the pace spreads requests over the minute") {
  Random random(3);
  Meter meter = meter_of(60'000);
  const std::vector<Arrival> sent = send_all(meter, random, 200, 10min, 0s);
  // 1,000 a second, and at most a tenth more where the window held something back before.
  std::size_t begin = 0;
  std::uint64_t sum = 0;
  for (const Arrival& one : sent) {
    sum += one.amount;
    while (sent[begin].at + 10s <= one.at) sum -= sent[begin++].amount;
    REQUIRE(sum <= 11'000);
  }
}

TEST_CASE("meter: the pace does not drift in a day") {
  Meter meter = meter_of(200'000);
  TimePoint now = start;
  std::uint64_t requests = 0;
  while (now < start + 2h) {
    now = meter.next(1, paced, now);
    meter.add(1, now);
    ++requests;
  }
  const double expected = 200'000.0 * (2h / 1.0min) * (limit_window / 1.0s) / (window_held / 1.0s);
  CHECK(std::abs(static_cast<double>(requests) - expected) < 200);
}

TEST_CASE("meter: what the provider counted replaces what was reserved") {
  Meter meter = meter_of(1'000);
  const Meter::Entry entry = meter.add(600, start);
  CHECK(meter.next(500, paced, start + 50s) == start + window_held);
  SECTION("less") {
    meter.reconcile(entry, 500);
    CHECK(meter.used(start + 50s) == 500);
    CHECK(meter.next(500, paced, start + 50s) == start + 50s);
    CHECK(meter.next(1, paced, start) == start + window_held / 2);
  }
  SECTION("more") {
    meter.reconcile(entry, 1'200);
    CHECK(meter.next(1, paced, start + 50s) == start + window_held * 12 / 10);
  }
  SECTION("too late") {
    CHECK(meter.used(start + 2min) == 0);
    meter.reconcile(entry, 1'200);
    CHECK(meter.used(start + 2min) == 0);
  }
}

TEST_CASE("meter: what another process used is not there for us") {
  Meter meter = meter_of(6'010);  // 100 a second
  const Meter::Entry first = meter.add(10, start);
  const Meter::Entry second = meter.add(10, start + 1s);
  SECTION("what was sent since and what refills count") {
    meter.provider_has_left(first, 500, false, start + 1s);
    // 500 less 10 since: 490.
    CHECK(meter.next(490, paced, start + 2s) == start + 2s);
    CHECK(meter.next(690, paced, start + 2s) == start + 3s);
  }
  SECTION("a refusal tells that the other one takes of what refills") {
    meter.provider_has_left(first, 0, false, start + 1s);
    meter.provider_has_left(second, 0, true, start + 2s);
    CHECK(meter.next(70, paced, start + 2s) == start + 3s);
    meter.provider_has_left(second, 0, false, start + 2s);
    CHECK(meter.next(70, paced, start + 2s) < start + 3s);
  }
  SECTION("what is our own use is no other's") {
    meter.provider_has_left(second, 6'010 - 20, false, start + 2s);
    CHECK(meter.next(5'990, paced, start + 2s) == start + 2s);
  }
  SECTION("answers that arrive in another order are no other's use") {
    // The provider counted the second before the first.
    meter.provider_has_left(first, 6'010 - 20, false, start + 2s);
    CHECK(meter.next(5'990, paced, start + 2s) == start + 2s);
  }
  SECTION("a later answer replaces it and an earlier one does not") {
    meter.provider_has_left(second, 0, false, start + 2s);
    meter.provider_has_left(first, 6'000, false, start + 2s);
    CHECK(meter.next(100, paced, start + 2s) == start + 3s);
    const Meter::Entry third = meter.add(100, start + 3s);
    meter.provider_has_left(third, 5'890, false, start + 4s);
    CHECK(meter.next(5'000, paced, start + 4s) == start + 4s);
  }
}

TEST_CASE("meter: a limit that is not known holds nothing back") {
  Meter meter;
  for (int i = 0; i < 100; ++i) {
    CHECK(meter.next(1'000'000, paced, start) == start);
    meter.add(1'000'000, start);
  }
  SECTION("until it is: what was sent before counts") {
    meter.set_limit(1'000'000'000);
    CHECK(meter.next(900'000'001, paced, start) == start + window_held);
  }
}

TEST_CASE("meter: a lowered limit holds and what only fits the limit itself goes alone") {
  Meter meter;
  meter.set_limit(1'000, 0.5);
  CHECK(meter.limit() == 500U);
  CHECK(meter.fits(900));
  CHECK(meter.next(900, paced, start) == start);
  meter.add(100, start);
  CHECK(meter.next(900, paced, start) == start + window_held);
  CHECK(meter.next(401, paced, start) == start + window_held);
  CHECK(meter.next(400, paced, start) < start + window_held);
}

TEST_CASE("meter: a reserve is left to those who may use it and they do not wait") {
  Meter meter(0.25);
  meter.set_limit(1'000);
  TimePoint now = start;
  std::uint64_t bulk = 0;
  while ((now = meter.next(50, paced, now)) < start + 59s) {
    meter.add(50, now);
    bulk += 50;
  }
  CHECK(bulk == 750);
  now = start + 59s;
  for (int i = 0; i < 5; ++i) {
    CHECK(meter.next(50, Meter::Share::all, now) == now);
    meter.add(50, now);
  }
  CHECK(meter.next(50, Meter::Share::all, now) == start + window_held);
}

TEST_CASE("meter: utilisation is of the time since the first request and at most a minute") {
  Meter meter = meter_of(6'000);
  CHECK(meter.utilisation(start) == 0);
  meter.add(500, start);
  CHECK(meter.utilisation(start + 10s) == Approx(0.5));
  CHECK(meter.utilisation(start + 50s) == Approx(0.1));
  CHECK(meter.utilisation(start + 2min) == 0);
}

}  // namespace
}  // namespace penstock
