#include "engine/backends/openai/provider_limits.h"

#include <chrono>
#include <string>

#include "engine/http/provider_error.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr std::time_t now = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT

std::optional<Duration> retry_after(int status, const HttpHeaders& headers,
                                    std::string_view message = {}) {
  return read_provider_limits(status, headers, message, now).retry_after;
}

TEST_CASE("provider limits: limits and what is left of them") {
  const ProviderLimits limits = read_provider_limits(200,
                                                     {{"X-RateLimit-Limit-Requests", "3000"},
                                                      {"x-ratelimit-limit-tokens", "1000000"},
                                                      {"x-ratelimit-remaining-requests", "0"},
                                                      {"x-ratelimit-remaining-tokens", "991497"},
                                                      {"x-ratelimit-reset-requests", "20ms"}},
                                                     {}, now);
  CHECK(limits.requests_per_minute == 3'000U);
  CHECK(limits.tokens_per_minute == 1'000'000U);
  CHECK(limits.requests_left == 0U);
  CHECK(limits.tokens_left == 991'497U);
  CHECK(limits.retry_after == std::nullopt);
}

TEST_CASE("provider limits: numbers that make no sense were not said") {
  for (const char* bad :
       {"", "-1", "1e6", "many", "100;w=60", "12.5", " 5", "99999999999999999999", "60000000001"}) {
    INFO(bad);
    const ProviderLimits limits = read_provider_limits(200,
                                                       {{"x-ratelimit-limit-requests", bad},
                                                        {"x-ratelimit-limit-tokens", bad},
                                                        {"x-ratelimit-remaining-requests", bad},
                                                        {"x-ratelimit-remaining-tokens", bad}},
                                                       {}, now);
    CHECK(limits.requests_per_minute == std::nullopt);
    CHECK(limits.tokens_per_minute == std::nullopt);
    CHECK(limits.requests_left == std::nullopt);
    CHECK(limits.tokens_left == std::nullopt);
  }
  // A limit of nothing would stop everything for good; nothing left passes.
  CHECK(read_provider_limits(200, {{"x-ratelimit-limit-tokens", "0"}}, {}, now).tokens_per_minute ==
        std::nullopt);
}

TEST_CASE("provider limits: Retry-After counts seconds or names a date") {
  CHECK(retry_after(429, {{"Retry-After", "7"}}) == 7s);
  CHECK(retry_after(503, {{"Retry-After", "0.25"}}) == 250ms);
  CHECK(retry_after(429, {{"Retry-After", "0"}}) == 0s);
  CHECK(retry_after(429, {{"Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"}}) == 30s);
  CHECK(retry_after(429, {{"Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"}}) == 0s);
  CHECK(retry_after(429, {{"retry-after-ms", "120"}, {"Retry-After", "1"}}) == 120ms);
  CHECK(retry_after(429, {{"retry-after-ms", "soon"}, {"Retry-After", "1"}}) == 1s);
  CHECK(retry_after(200, {{"Retry-After", "7"}}) == std::nullopt);
}

TEST_CASE("provider limits: an absurd wait is an hour and a malformed one is none") {
  for (const char* long_wait :
       {"3601", "86400", "99999999999999999999999999", "3600.5", "Fri, 31 Dec 9999 23:59:59 GMT"}) {
    INFO(long_wait);
    CHECK(retry_after(429, {{"Retry-After", long_wait}}) == 1h);
  }
  for (const char* bad :
       {"", "-5", "+5", "1e3", "inf", "nan", "0x10", "5 s", "5.", ".5", "tomorrow",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 anF 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"}) {
    INFO(bad);
    CHECK(retry_after(429, {{"Retry-After", bad}}) == std::nullopt);
  }
}

TEST_CASE("provider limits: a 429 says how long in its message") {
  const auto wait = [](std::string_view message) { return retry_after(429, {}, message); };
  CHECK(wait("Rate limit reached for m on tokens per min (TPM): Limit 1000000, Used 1000000, "
             "Requested 8503. Please try again in 510ms. Visit https://...") == 510ms);
  CHECK(wait("Please try again in 6m0s.") == 6min);
  CHECK(wait("Please try again in 1.5s.") == 1500ms);
  CHECK(wait("try again in 7h12m0s") == 1h);
  CHECK(wait("Please try again in a moment.") == std::nullopt);
  CHECK(wait("try again in ") == std::nullopt);
  CHECK(wait("Slow down.") == std::nullopt);
  CHECK(retry_after(429, {{"Retry-After", "2"}}, "try again in 1s") == 2s);
  CHECK(retry_after(500, {}, "try again in 1s") == std::nullopt);
}

TEST_CASE("provider limits: a 429 without another word waits for the reset") {
  const HttpHeaders tokens = {{"x-ratelimit-remaining-requests", "10"},
                              {"x-ratelimit-remaining-tokens", "0"},
                              {"x-ratelimit-reset-requests", "9s"},
                              {"x-ratelimit-reset-tokens", "6m0s"}};
  CHECK(retry_after(429, tokens) == 6min);
  CHECK(retry_after(429, tokens, "try again in 510ms") == 510ms);
  CHECK(retry_after(200, tokens) == std::nullopt);
  CHECK(retry_after(429, {{"x-ratelimit-remaining-requests", "0"},
                          {"x-ratelimit-remaining-tokens", "0"},
                          {"x-ratelimit-reset-requests", "9s"},
                          {"x-ratelimit-reset-tokens", "2s"}}) == 9s);
  CHECK(retry_after(429, {{"x-ratelimit-reset-tokens", "2s"}}) == std::nullopt);
}

TEST_CASE("provider limits: durations are read as Go writes them") {
  CHECK(parse_go_duration("1s") == 1s);
  CHECK(parse_go_duration("6m0s") == 6min);
  CHECK(parse_go_duration("120ms") == 120ms);
  CHECK(parse_go_duration("59m3.5s") == 59min + 3500ms);
  CHECK(parse_go_duration("1h2m3.5s") == 1h);
  CHECK(parse_go_duration("250µs") == 250us);
  CHECK(parse_go_duration("250us") == 250us);
  CHECK(parse_go_duration("17ns") == 17ns);
  CHECK(parse_go_duration("0s") == 0s);
  for (const char* bad : {"", "5", "-1s", "s", "1s ", "1 s", "1d", "1s2", "1.s", "..s", "1e3s"}) {
    INFO(bad);
    CHECK(parse_go_duration(bad) == std::nullopt);
  }
}

TEST_CASE("provider error: the message is found in the shapes that servers give it") {
  const auto message = [](const std::string& body) { return read_provider_error(body).message; };
  const ProviderError error = read_provider_error(
      R"({"error":{"message":"No credit.","type":"t","param":"model","code":"insufficient_quota"}})");
  CHECK(error.message == "No credit.");
  CHECK(error.code == "insufficient_quota");
  CHECK(error.param == "model");
  CHECK(read_provider_error(R"({"error":{"message":"m","type":"t","code":null}})").code == "t");
  CHECK(message(R"({"error":"model not found"})") == "model not found");
  CHECK(message(R"({"object":"error","message":"too long","code":400})") == "too long");
  CHECK(message(R"({"detail":"Unauthorized"})") == "Unauthorized");
  CHECK(message("upstream is down") == "upstream is down");
  CHECK(message("<html>502</html>").empty());
  CHECK(message(R"({"error":)").empty());
  CHECK(message(R"([1])").empty());
  CHECK(message("\xFF\xFE").empty());
  CHECK(message("").empty());
}

TEST_CASE("provider error: a shown message is one line without control characters") {
  CHECK(presentable("a\r\n\tb\x1B[31m\x7F c\xC2\x85"
                    "d ",
                    {}) == "a b [31m c d");
  CHECK(presentable("水\u00a0é", {}) == "水\u00a0é");
}

TEST_CASE("provider error: a shown message is cut between two characters") {
  const std::string fits(300, 'x');
  CHECK(presentable(fits, {}) == fits);
  const std::string shown = presentable(std::string(296, 'x') + "水水水", {});
  CHECK(shown == std::string(296, 'x') + "...");
}

TEST_CASE("provider error: no secret and nothing like one is shown") {
  CHECK(presentable("key hunter2 is not hunter2hunter2", {"hunter2", ""}) ==
        "key [redacted] is not [redacted][redacted]");
  CHECK(presentable("inner-outer and inner", {"inner", "inner-outer"}) ==
        "[redacted] and [redacted]");
  CHECK(presentable("Incorrect API key provided: sk-proj-ab_12***wxYZ. See ...", {}) ==
        "Incorrect API key provided: [redacted]. See ...");
  CHECK(presentable("a risk-free task", {"a"}) == "a risk-free task");
  // Not even the part of it that a cut would leave.
  const std::string secret(40, 's');
  const std::string shown = presentable(std::string(280, 'x') + ' ' + secret, {secret});
  CHECK(shown.find("ss") == std::string::npos);
}

}  // namespace
}  // namespace penstock
