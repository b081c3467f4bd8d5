#include "loadgen/emulate/quota_enforcer.h"

#include "loadgen/emulate/latency.h"
#include "loadgen/emulate/rate_limit_answer.h"
#include "loadgen/emulate/usage.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

const TimePoint start{};

// One key with so many requests and tokens a minute.
QuotaEnforcer enforcer_of(std::uint64_t requests, std::uint64_t tokens) {
  QuotaEnforcer quota;
  quota.add_key({requests, tokens});
  return quota;
}

bool is_admitted(const QuotaDecision& decision) {
  return !decision.refusal;
}

TEST_CASE("quota: a key begins with a minute's limit and not more") {
  QuotaEnforcer quota = enforcer_of(100, 6'000);
  CHECK(is_admitted(quota.ask(0, 6'000, start)));
  CHECK_FALSE(is_admitted(quota.ask(0, 1, start)));
}

TEST_CASE("quota: what was taken comes back continuously") {
  QuotaEnforcer quota = enforcer_of(100, 6'000);
  quota.ask(0, 6'000, start);
  CHECK_FALSE(is_admitted(quota.ask(0, 50, start + 499ms)));
  CHECK(is_admitted(quota.ask(0, 50, start + 500ms)));
  CHECK(is_admitted(quota.ask(0, 100, start + 1500ms)));
  CHECK_FALSE(is_admitted(quota.ask(0, 1, start + 1500ms)));
}

TEST_CASE("quota: an idle hour fills a bucket no further than an idle minute") {
  QuotaEnforcer quota = enforcer_of(100, 6'000);
  quota.ask(0, 6'000, start);
  CHECK(quota.ask(0, 6'000, start + 1h).tokens.left == 0);
  CHECK_FALSE(is_admitted(quota.ask(0, 1, start + 1h)));
}

TEST_CASE("quota: requests run out as tokens do") {
  QuotaEnforcer quota = enforcer_of(3, 1'000'000);
  for (int i = 0; i < 3; ++i) CHECK(is_admitted(quota.ask(0, 1, start)));
  const QuotaDecision refused = quota.ask(0, 1, start);
  REQUIRE(refused.refusal.has_value());
  CHECK(refused.refusal->kind == QuotaKind::requests);
  CHECK(refused.refusal->retry_after == Duration(20s));
  CHECK(refused.tokens.left == 1'000'000 - 3);
  CHECK(is_admitted(quota.ask(0, 1, start + 20s)));
}

TEST_CASE("quota: a refused request takes a request and no tokens") {
  QuotaEnforcer quota = enforcer_of(10, 1'000);
  quota.ask(0, 600, start);
  const QuotaDecision refused = quota.ask(0, 600, start);
  CHECK_FALSE(is_admitted(refused));
  CHECK(refused.requests.left == 8);
  CHECK(refused.tokens.left == 400);
  CHECK(quota.use(0).requests == 1);
  CHECK(quota.use(0).tokens == 600);
  CHECK(quota.use(0).violations == 1);
}

TEST_CASE("quota: whoever waits as long as a refusal says is admitted then and not before") {
  QuotaEnforcer quota = enforcer_of(1'000, 1'000'000);
  quota.ask(0, 1'000'000, start);
  const QuotaDecision refused = quota.ask(0, 8'503, start);
  REQUIRE(refused.refusal.has_value());
  REQUIRE(refused.refusal->retry_after.has_value());
  const Duration wait = *refused.refusal->retry_after;
  CHECK_FALSE(is_admitted(quota.ask(0, 8'503, start + wait - 1us)));
  CHECK(is_admitted(quota.ask(0, 8'503, start + wait)));
}

TEST_CASE("quota: what exceeds the limit itself is refused without a time") {
  QuotaEnforcer quota = enforcer_of(10, 1'000);
  const QuotaDecision refused = quota.ask(0, 1'001, start);
  REQUIRE(refused.refusal.has_value());
  CHECK_FALSE(refused.refusal->retry_after.has_value());
  CHECK(rate_limit_error(*refused.refusal, refused, "m").message ==
        "Request too large for m in organization org-emulated on tokens per min (TPM): Limit 1000, "
        "Requested 1001. The input or output tokens must be reduced in order to run successfully.");
}

TEST_CASE("quota: keys have nothing to do with each other") {
  QuotaEnforcer quota = enforcer_of(10, 1'000);
  const std::size_t other = quota.add_key({10, 500});
  quota.ask(0, 1'000, start);
  CHECK(is_admitted(quota.ask(other, 500, start)));
  CHECK(quota.use(0).overshoot_tokens_max == 0);
}

TEST_CASE("quota: any 60 seconds above the limit are an overshoot however the bucket decides") {
  QuotaEnforcer quota = enforcer_of(100, 6'000);
  quota.ask(0, 6'000, start);
  // The bucket has a hundred again, but the minute is not over.
  CHECK(is_admitted(quota.ask(0, 100, start + 1s)));
  CHECK(quota.use(0).overshoot_tokens_max == 100);
  CHECK_FALSE(is_admitted(quota.ask(0, 6'000, start + 59s)));
  CHECK(quota.use(0).overshoot_tokens_max == 6'100);
  CHECK(quota.use(0).overshoot_requests_max == 0);
}

TEST_CASE("quota: what comes a minute later is in no window with what came before") {
  QuotaEnforcer quota = enforcer_of(1, 6'000);
  quota.ask(0, 6'000, start);
  SECTION("to the nanosecond") {
    CHECK(is_admitted(quota.ask(0, 6'000, start + 60s)));
    CHECK(quota.use(0).overshoot_tokens_max == 0);
    CHECK(quota.use(0).overshoot_requests_max == 0);
  }
  SECTION("a nanosecond less is in one") {
    quota.ask(0, 6'000, start + 60s - 1ns);
    CHECK(quota.use(0).overshoot_tokens_max == 6'000);
    CHECK(quota.use(0).overshoot_requests_max == 1);
  }
}

TEST_CASE("quota: a client at exactly the limit's pace uses all of it without an overshoot") {
  QuotaEnforcer quota = enforcer_of(600, 60'000);
  // A tenth of a second and 100 tokens a request.
  for (int i = 0; i <= 6'000; ++i) CHECK(is_admitted(quota.ask(0, 100, start + i * 100ms)));
  const Usage usage{quota.limits(0), quota.span(), quota.use(0), {}};
  CHECK(usage.quota.violations == 0);
  CHECK(usage.quota.overshoot_tokens_max == 0);
  CHECK(usage.quota.overshoot_requests_max == 0);
  CHECK(usage.tokens_permitted() == Approx(600'000));
  CHECK(usage.requests_permitted() == Approx(6'000));
  CHECK(*usage.steady_utilisation() == Approx(1.0));
}

TEST_CASE("quota: a burst at the beginning does not raise the steady utilisation") {
  QuotaEnforcer quota = enforcer_of(600, 60'000);
  quota.ask(0, 60'000, start);
  for (int i = 1; i <= 3'000; ++i) quota.ask(0, 50, start + i * 100ms);
  const Usage usage{quota.limits(0), quota.span(), quota.use(0), {}};
  CHECK(*usage.utilisation() == Approx(0.7));
  CHECK(*usage.steady_utilisation() == Approx(0.5));
}

TEST_CASE("quota: utilisation is unknown before time has passed") {
  QuotaEnforcer quota = enforcer_of(600, 60'000);
  quota.ask(0, 100, start);
  const Usage once{quota.limits(0), quota.span(), quota.use(0), {}};
  CHECK_FALSE(once.utilisation().has_value());
  quota.ask(0, 100, start + 60s);
  const Usage twice{quota.limits(0), quota.span(), quota.use(0), {}};
  CHECK(twice.utilisation().has_value());
  CHECK_FALSE(twice.steady_utilisation().has_value());
}

TEST_CASE("quota: totals are sums and of overshoots the largest") {
  QuotaEnforcer quota = enforcer_of(10, 1'000);
  quota.add_key({20, 2'000});
  quota.ask(0, 1'000, start);
  quota.ask(0, 500, start + 30s);
  quota.ask(1, 2'000, start + 30s);
  quota.ask(1, 300, start + 60s);
  const auto usage = [&](std::size_t key) {
    return Usage{quota.limits(key), quota.span(), quota.use(key), {}};
  };
  const Usage total = total_of({{"a", usage(0)}, {"b", usage(1)}});
  CHECK(total.quota.tokens == 3'800);
  CHECK(total.quota.overshoot_tokens_max == 500);
  CHECK(total.tokens_permitted() == Approx(3'000));
}

TEST_CASE("quota: the history has a day of seconds in which something was admitted") {
  QuotaEnforcer quota = enforcer_of(10, 1'000);
  quota.ask(0, 100, start + 5s);
  quota.ask(0, 200, start + 5999ms);
  quota.ask(0, 1, start + 7s);
  REQUIRE(quota.history(0).size() == 2);
  CHECK(quota.history(0)[0].second == 0);
  CHECK(quota.history(0)[0].requests == 2);
  CHECK(quota.history(0)[0].tokens == 300);
  CHECK(quota.history(0)[1].second == 2);
  CHECK(history_json({{"a", &quota.history(0)}}) ==
        R"({"first_second":0,"keys":{"a":{"requests":[2,0,1],"tokens":[300,0,1]}}})"
        "\n");
  quota.ask(0, 1, start + 5s + 24h);
  REQUIRE(quota.history(0).size() == 2);
  CHECK(quota.history(0)[0].second == 2);
}

TEST_CASE("quota: a reset begins the accounts anew and gives nothing back") {
  QuotaEnforcer quota = enforcer_of(10, 1'000);
  quota.ask(0, 1'000, start);
  quota.ask(0, 1'000, start);
  quota.reset();
  CHECK(quota.use(0).asked == 0);
  CHECK(quota.use(0).violations == 0);
  CHECK(quota.use(0).overshoot_tokens_max == 0);
  CHECK(quota.span() == Duration{});
  CHECK_FALSE(is_admitted(quota.ask(0, 100, start + 1s)));
  CHECK(quota.use(0).overshoot_tokens_max == 1'100);
}

TEST_CASE("rate limit answer: the words and headers are OpenAI's") {
  QuotaEnforcer quota = enforcer_of(1'000, 1'000'000);
  quota.ask(0, 1'000'000, start);
  const QuotaDecision decision = quota.ask(0, 8'503, start);
  REQUIRE(decision.refusal.has_value());
  const ApiError error = rate_limit_error(*decision.refusal, decision, "text-embedding-3-small");
  CHECK(error.status == 429);
  CHECK(error.type == "tokens");
  CHECK(error.code == "rate_limit_exceeded");
  CHECK(error.message ==
        "Rate limit reached for text-embedding-3-small in organization org-emulated on tokens per "
        "min (TPM): Limit 1000000, Used 1000000, Requested 8503. Please try again in 511ms.");
  HttpHeaders headers = rate_limit_headers(decision);
  add_retry_after(headers, *decision.refusal->retry_after);
  CHECK(headers.find("x-ratelimit-limit-requests") == "1000");
  CHECK(headers.find("x-ratelimit-limit-tokens") == "1000000");
  CHECK(headers.find("x-ratelimit-remaining-requests") == "998");
  CHECK(headers.find("x-ratelimit-remaining-tokens") == "0");
  CHECK(headers.find("x-ratelimit-reset-requests") == "120ms");
  CHECK(headers.find("x-ratelimit-reset-tokens") == "1m0s");
  CHECK(headers.find("retry-after") == "1");
  CHECK(headers.find("retry-after-ms") == "511");
}

TEST_CASE("rate limit answer: durations are written as Go writes them") {
  CHECK(go_duration(0ns) == "0s");
  CHECK(go_duration(1ns) == "1ms");
  CHECK(go_duration(510ms) == "510ms");
  CHECK(go_duration(1s) == "1s");
  CHECK(go_duration(8640ms) == "8.64s");
  CHECK(go_duration(6min) == "6m0s");
  CHECK(go_duration(61500ms) == "1m1.5s");
  CHECK(go_duration(1h) == "1h0m0s");
}

TEST_CASE("latency: one value or least and most") {
  CHECK(parse_latency("20ms")->min == Duration(20ms));
  CHECK(parse_latency("20ms")->max == Duration(20ms));
  CHECK(parse_latency("0ms-1.5s")->min == Duration(0));
  CHECK(parse_latency("0ms-1.5s")->max == Duration(1500ms));
  for (const char* const wrong :
       {"", "5", "ms", "-5ms", "5ms-", "5ms-2ms", "1h", "nans", "infs", "5ms-6ms-7ms", "2e9s"}) {
    INFO(wrong);
    CHECK_FALSE(parse_latency(wrong).has_value());
  }
}

TEST_CASE("latency: draws stay in their range and most are near its low end") {
  LatencyDraws draws({50ms, 850ms}, 7);
  int quick = 0;
  int slow = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Duration latency = draws.next();
    REQUIRE(latency >= Duration(50ms));
    REQUIRE(latency <= Duration(850ms));
    if (latency <= Duration(100ms)) ++quick;
    if (latency >= Duration(700ms)) ++slow;
  }
  CHECK(quick == Approx(5'000).margin(200));
  CHECK(slow > 300);
}

TEST_CASE("fault plan: the fraction and the kinds are those that were asked for") {
  FaultPlan plan(0.25, {FaultKind::stall, FaultKind::reset}, 3);
  int stalls = 0;
  int resets = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::optional<FaultKind> fault = plan.next();
    if (fault == FaultKind::stall) ++stalls;
    if (fault == FaultKind::reset) ++resets;
  }
  CHECK(stalls == Approx(1'250).margin(120));
  CHECK(resets == Approx(1'250).margin(120));
}

TEST_CASE("fault plan: the bounds are never and always") {
  FaultPlan never(0, {}, 3);
  FaultPlan always(1, {}, 3);
  std::vector<int> seen(fault_names.size());
  for (int i = 0; i < 1'000; ++i) {
    CHECK_FALSE(never.next().has_value());
    const std::optional<FaultKind> fault = always.next();
    REQUIRE(fault.has_value());
    ++seen[static_cast<std::size_t>(*fault)];
  }
  for (const int times : seen) CHECK(times > 0);
}

TEST_CASE("fault plan: a seed gives the same faults again and another seed others") {
  FaultPlan one(0.5, {}, 1);
  FaultPlan same(0.5, {}, 1);
  FaultPlan other(0.5, {}, 2);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::optional<FaultKind> fault = one.next();
    CHECK(same.next() == fault);
    if (other.next() != fault) differs = true;
  }
  CHECK(differs);
}

TEST_CASE("fault plan: names are told and understood") {
  CHECK(name_of(FaultKind::duplicate_index) == "duplicate_index");
  for (const std::string_view name : fault_names) CHECK(name_of(*fault_of_name(name)) == name);
  CHECK_FALSE(fault_of_name("earthquake").has_value());
}

}  // namespace
}  // namespace penstock
