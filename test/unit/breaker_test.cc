#include "engine/stages/throttle/breaker.h"

#include <chrono>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

void fail(Breaker& breaker, int times, TimePoint now) {
  for (int i = 0; i < times; ++i) breaker.answered(Answer::failed, now);
}

TEST_CASE("breaker: five failures in a row open it") {
  Breaker breaker(30min, 1);
  fail(breaker, 4, start);
  CHECK_FALSE(breaker.is_open());
  SECTION("four and a success do not") {
    breaker.answered(Answer::embedded, start);
    fail(breaker, 4, start);
    CHECK_FALSE(breaker.is_open());
  }
  SECTION("an endpoint that refuses is not down") {
    breaker.answered(Answer::rate_limited, start);
    fail(breaker, 4, start);
    CHECK_FALSE(breaker.is_open());
  }
  SECTION("the fifth does") {
    fail(breaker, 1, start);
    CHECK(breaker.is_open());
    REQUIRE(breaker.probe_at());
    CHECK(*breaker.probe_at() >= start + 500ms);
    CHECK(*breaker.probe_at() <= start + 1s);
  }
}

TEST_CASE("breaker: waits between bad probes double up to half a minute") {
  Breaker breaker(30min, 1);
  fail(breaker, 5, start);
  TimePoint now = start;
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    CHECK(*breaker.probe_at() - now >= wait / 2);
    CHECK(*breaker.probe_at() - now <= wait);
    now = *breaker.probe_at();
    breaker.probe_sent();
    CHECK_FALSE(breaker.probe_at());
    CHECK(breaker.is_open());
    breaker.probed(wait == 4s ? Answer::nonsense : Answer::failed, now);
    CHECK(breaker.is_open());
  }
}

TEST_CASE("breaker: a good probe closes it and only a real answer resets the waits") {
  Breaker breaker(30min, 1);
  fail(breaker, 5, start);
  breaker.probe_sent();
  // Even a refusal is an answer.
  breaker.probed(Answer::rate_limited, start);
  CHECK_FALSE(breaker.is_open());
  CHECK_FALSE(breaker.gives_up_at());
  fail(breaker, 4, start);
  CHECK_FALSE(breaker.is_open());
  fail(breaker, 1, start);
  CHECK(*breaker.probe_at() >= start + 1s);
  breaker.probe_sent();
  breaker.probed(Answer::embedded, start);
  breaker.answered(Answer::embedded, start);
  fail(breaker, 5, start);
  CHECK(*breaker.probe_at() <= start + 1s);
}

TEST_CASE("breaker: answers under way when it opened change nothing") {
  Breaker breaker(30min, 1);
  fail(breaker, 5, start);
  const TimePoint probe_at = *breaker.probe_at();
  fail(breaker, 20, start + 100ms);
  breaker.answered(Answer::embedded, start + 200ms);
  CHECK(breaker.is_open());
  CHECK(*breaker.probe_at() == probe_at);
}

TEST_CASE("breaker: it gives up when nothing succeeded for its patience") {
  Breaker breaker(30min, 1);
  CHECK_FALSE(breaker.gives_up_at());
  breaker.answered(Answer::embedded, start);
  // Idle for an hour; patience counts from the first failure.
  fail(breaker, 5, start + 1h);
  CHECK(breaker.gives_up_at() == start + 1h + 30min);
  breaker.probe_sent();
  breaker.probed(Answer::failed, start + 2h);
  CHECK(breaker.gives_up_at() == start + 1h + 30min);
}

TEST_CASE("breaker: a failure is the request's while the endpoint does well") {
  Breaker breaker(30min, 1);
  CHECK(breaker.answered(Answer::failed, start) == Blame::endpoint);
  breaker.answered(Answer::embedded, start);
  CHECK(breaker.answered(Answer::failed, start) == Blame::request);
  CHECK(breaker.answered(Answer::failed, start) == Blame::endpoint);
  SECTION("nonsense and refused inputs are always the request's") {
    CHECK(breaker.answered(Answer::nonsense, start) == Blame::request);
    CHECK(breaker.answered(Answer::refused_input, start) == Blame::request);
  }
  SECTION("quota and keys never are") {
    breaker.answered(Answer::embedded, start);
    CHECK(breaker.answered(Answer::rate_limited, start) == Blame::endpoint);
    CHECK(breaker.answered(Answer::key_refused, start) == Blame::endpoint);
  }
  SECTION("an input that kills what serves it is found out by good probes") {
    fail(breaker, 3, start);
    REQUIRE(breaker.is_open());
    breaker.probe_sent();
    breaker.probed(Answer::embedded, start);
    CHECK(breaker.answered(Answer::failed, start) == Blame::request);
  }
}

}  // namespace
}  // namespace penstock
