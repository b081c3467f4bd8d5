#include "engine/stages/throttle/dispatch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "engine/core/random.h"
#include "test/support/catch.h"
#include "test/support/simulated_service.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Sent = SimulatedService::Sent;
using Reply = SimulatedService::Reply;

ThrottleOptions options_of(std::size_t requests_in_flight_max = 64) {
  ThrottleOptions options;
  options.endpoint = "http://embed";
  options.requests_in_flight_max = requests_in_flight_max;
  return options;
}

Reply reply_of(Answer answer, Duration latency = 100ms) {
  Reply reply;
  reply.receipt.answer = answer;
  reply.latency = latency;
  return reply;
}

Reply embeds(const Sent&) {
  return reply_of(Answer::embedded);
}

// Keeps the lane's queue at `depth` requests by submitting one for each answer.
void keep_full(SimulatedService& service, Random& random, std::size_t depth,
               std::uint64_t tokens_max) {
  service.settled = [&service, &random, depth, tokens_max](const Sent&, const Receipt&, Blame) {
    while (service.dispatch.state(service.now).lanes[index_of(Lane::bulk)].requests < depth) {
      service.submit(1 + random.below(tokens_max));
    }
  };
  for (std::size_t i = 0; i < depth; ++i) service.submit(1 + random.below(tokens_max));
}

std::uint64_t tokens_sent(const SimulatedService& service, std::size_t key) {
  std::uint64_t sum = 0;
  for (const Arrival& arrival : service.tokens_of(key)) sum += arrival.amount;
  return sum;
}

TEST_CASE("dispatch: no key ever exceeds its limits whatever the service answers") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    std::vector<KeyQuota> keys;
    for (std::size_t i = 0; i < 1 + random.below(4); ++i) {
      keys.push_back({"key", 200 + random.below(3'000), 20'000 + random.below(500'000)});
    }
    SimulatedService service(keys, options_of(), [&random](const Sent& sent) {
      Reply reply;
      reply.latency = std::chrono::milliseconds(50 + random.below(750));
      switch (random.below(40)) {
        case 0:
          reply.receipt.answer = Answer::rate_limited;
          break;
        case 1:
          reply.receipt.answer = Answer::rate_limited;
          reply.receipt.limits.retry_after = std::chrono::milliseconds(random.below(3'000));
          break;
        case 2:
          reply.receipt.answer = Answer::failed;
          break;
        case 3:
          reply.receipt.answer = Answer::nonsense;
          break;
        default:
          reply.receipt.tokens = sent.grant.tokens;
          break;
      }
      return reply;
    });
    keep_full(service, random, 20, 2'000);
    service.run_for(20min);
    for (std::size_t key = 0; key < keys.size(); ++key) {
      std::vector<Arrival> tokens = service.tokens_of(key);
      std::vector<Arrival> requests = service.requests_of(key);
      CHECK(most_in_a_minute(tokens) <= keys[key].tokens_per_minute);
      CHECK(most_in_a_minute(requests) <= keys[key].requests_per_minute);
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens[i].at += std::chrono::microseconds(random.below(80'001));
        requests[i].at = tokens[i].at;
      }
      CHECK(most_in_a_minute(tokens) <= keys[key].tokens_per_minute);
      CHECK(most_in_a_minute(requests) <= keys[key].requests_per_minute);
    }
  }
}

TEST_CASE("dispatch: keys are used in proportion to their limits") {
  Random random(1);
  SECTION("when there is more to send than they take") {
    SimulatedService service({{"A", 3'000, 90'000}, {"B", 3'000, 360'000}}, options_of(), embeds);
    keep_full(service, random, 50, 500);
    service.run_for(30min);
    CHECK(static_cast<double>(tokens_sent(service, 0)) > 0.993 * 90'000 * 30);
    CHECK(static_cast<double>(tokens_sent(service, 1)) > 0.993 * 360'000 * 30);
  }
  SECTION("when there is less") {
    SimulatedService service({{"A", 3'000, 90'000}, {"B", 3'000, 360'000}}, options_of(), embeds);
    for (int i = 0; i < 3'000; ++i) {
      service.submit(250);
      service.run_for(200ms);  // 75,000 tokens a minute
    }
    const double ratio =
        static_cast<double>(tokens_sent(service, 1)) / static_cast<double>(tokens_sent(service, 0));
    CHECK(ratio > 3.6);
    CHECK(ratio < 4.4);
  }
}

TEST_CASE("dispatch: no key is idle while a request waits that it may send") {
  Random random(5);
  const std::vector<KeyQuota> keys = {{"A", 600, 10'000}, {"B", 600, 50'000}, {"C", 60, 90'000}};
  SimulatedService service(keys, options_of(), embeds);
  // What each key may send, by meters of our own.
  std::vector<KeyBudget> mirror;
  for (const KeyQuota& key : keys) mirror.emplace_back(key, 0, 1);
  std::size_t mirrored = 0;
  std::map<std::uint64_t, std::uint64_t> waiting;
  std::size_t checked = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t tokens = 1 + random.below(300);
    waiting[service.submit(tokens)] = tokens;
    service.run_for(std::chrono::milliseconds(random.below(200)));
    for (; mirrored < service.sent.size(); ++mirrored) {
      const Sent& sent = service.sent[mirrored];
      mirror[sent.grant.key].add(sent.grant.tokens, sent.at);
      waiting.erase(sent.request);
    }
    if (waiting.size() < keys.size()) continue;
    // As many of the first as there are keys may each have one of them to itself.
    for (KeyBudget& key : mirror) {
      bool may_send_all = true;
      auto next = waiting.begin();
      for (std::size_t k = 0; k < keys.size(); ++k, ++next) {
        may_send_all =
            may_send_all &&
            key.next(next->second, Meter::Share::but_reserved, service.now).at <= service.now;
      }
      CHECK_FALSE(may_send_all);
      ++checked;
    }
  }
  CHECK(checked > 1'000);
}

TEST_CASE("dispatch: what another process uses of a key is left to it") {
  // The provider refills a bucket of a minute's size; the other process takes half of what refills.
  constexpr double limit = 60'000;
  double level = limit / 2;
  TimePoint refilled_at{1h};
  std::size_t refused = 0;
  SimulatedService service({{"A", 6'000, 60'000}}, options_of(), [&](const Sent& sent) {
    level = std::min<double>(limit, level + limit / 2 * ((sent.at - refilled_at) / 1.0min));
    refilled_at = sent.at;
    Reply reply = reply_of(Answer::embedded, 200ms);
    if (level < static_cast<double>(sent.grant.tokens)) {
      ++refused;
      reply.receipt.answer = Answer::rate_limited;
    } else {
      level -= static_cast<double>(sent.grant.tokens);
    }
    reply.receipt.limits.tokens_left = static_cast<std::uint64_t>(level);
    return reply;
  });
  Random random(3);
  keep_full(service, random, 20, 400);
  service.run_for(30min);
  const double used = static_cast<double>(service.dispatch.state(service.now).totals.tokens_used);
  CHECK(used > 0.98 * limit / 2 * 30);
  CHECK(static_cast<double>(refused) < 0.1 * static_cast<double>(service.sent.size()));
}

TEST_CASE("dispatch: a lane is served in order") {
  Random random(2);
  SimulatedService service({{"A", 3'000, 90'000}}, options_of(), embeds);
  for (int i = 0; i < 500; ++i) service.submit(1 + random.below(1'500));
  service.run_for(20min);
  REQUIRE(service.sent.size() == 500);
  for (std::size_t i = 0; i < 500; ++i) REQUIRE(service.sent[i].request == i);
}

TEST_CASE("dispatch: a request too large for a small key leaves it to those behind") {
  SimulatedService service({{"small", 600, 1'000}, {"large", 600, 10'000}}, options_of(), embeds);
  service.submit(10'000);
  const std::uint64_t second = service.submit(10'000);
  const std::uint64_t third = service.submit(500);
  CHECK(service.sent.size() == 2);
  CHECK(service.sent[0].grant.key == 1);
  CHECK(service.sent[1].request == third);
  CHECK(service.sent[1].grant.key == 0);
  service.run_for(2min);
  REQUIRE(service.sent.size() == 3);
  CHECK(service.sent[2].request == second);
}

TEST_CASE("dispatch: a large request is not overtaken for ever") {
  Random random(4);
  SimulatedService service({{"A", 6'000, 10'000}, {"B", 6'000, 10'000}}, options_of(), embeds);
  keep_full(service, random, 20, 100);
  service.run_for(3min);
  const std::uint64_t large = service.submit(9'000);
  // It is behind 20 others, and then needs a minute that is nearly empty.
  service.run_for(70s);
  CHECK(std::any_of(service.sent.begin(), service.sent.end(),
                    [large](const Sent& sent) { return sent.request == large; }));
}

TEST_CASE("dispatch: interactive goes first and bulk keeps a tenth") {
  Random random(6);
  SimulatedService service({{"A", 6'000, 100'000}}, options_of(), embeds);
  std::map<std::uint64_t, Lane> lanes;
  const auto submit = [&](Lane lane) { lanes[service.submit(1 + random.below(400), lane)] = lane; };
  service.settled = [&](const Sent& sent, const Receipt&, Blame) {
    submit(lanes.at(sent.request));
  };
  for (int i = 0; i < 20; ++i) {
    submit(Lane::bulk);
    submit(Lane::interactive);
  }
  service.run_for(20min);
  std::map<Lane, std::uint64_t> tokens;
  for (const Sent& sent : service.sent) tokens[lanes.at(sent.request)] += sent.grant.tokens;
  const double bulk = static_cast<double>(tokens[Lane::bulk]) /
                      static_cast<double>(tokens[Lane::bulk] + tokens[Lane::interactive]);
  CHECK(bulk > 0.095);
  CHECK(bulk < 0.105);
}

TEST_CASE("dispatch: an interactive request overtakes all of bulk") {
  SimulatedService service({{"A", 600, 60'100}}, options_of(), embeds);
  for (int i = 0; i < 100; ++i) service.submit(500);
  service.run_for(1s);
  const std::uint64_t query = service.submit(10, Lane::interactive);
  service.run_for(501ms);
  CHECK(service.sent.back().request == query);
}

TEST_CASE("dispatch: in a full minute an interactive request waits for two of bulk at most") {
  SimulatedService service({{"A", 200'000, 6'000'000}}, options_of(), embeds);
  Random random(11);
  keep_full(service, random, 20, 24'000);
  service.run_for(2min);
  std::map<std::uint64_t, TimePoint> queries;
  for (int i = 0; i < 500; ++i) {
    queries.emplace(service.submit(1'500, Lane::interactive), service.now);
    service.run_for(std::chrono::milliseconds(random.below(1'000)));
  }
  service.run_for(1s);
  Duration longest{0};
  std::size_t sent = 0;
  for (const Sent& one : service.sent) {
    const auto query = queries.find(one.request);
    if (query == queries.end()) continue;
    ++sent;
    longest = std::max(longest, one.at - query->second);
  }
  CHECK(sent == queries.size());
  // Until the one that left last is paid, and until the oldest is a minute old.
  CHECK(longest <= 2 * 24'000 * window_held / 6'000'000);
  CHECK(most_in_a_minute(service.tokens_of(0)) <= 6'000'000);
}

TEST_CASE("dispatch: with a reserve an interactive request does not wait at all") {
  ThrottleOptions options = options_of();
  options.interactive_share = 0.1;
  SimulatedService service({{"A", 6'000, 60'000}}, options, embeds);
  Random random(9);
  keep_full(service, random, 10, 500);
  service.run_for(5min);
  for (int i = 0; i < 200; ++i) {
    const std::size_t sent = service.sent.size();
    const std::uint64_t query = service.submit(10, Lane::interactive);
    REQUIRE(service.sent.size() == sent + 1);
    CHECK(service.sent.back().request == query);
    service.run_for(std::chrono::milliseconds(random.below(2'000)));
  }
  CHECK(most_in_a_minute(service.tokens_of(0)) <= 60'000);
}

TEST_CASE("dispatch: bulk is not starved by interactive requests that use the reserve up") {
  ThrottleOptions options = options_of();
  options.interactive_share = 0.3;
  SimulatedService service({{"A", 6'000, 60'000}}, options, embeds);
  for (int i = 0; i < 2'000; ++i) service.submit(200, Lane::interactive);
  std::set<std::uint64_t> bulk;
  for (int i = 0; i < 50; ++i) bulk.insert(service.submit(200));
  service.run_for(3min);
  std::uint64_t tokens = 0;
  for (const Sent& sent : service.sent) {
    if (bulk.count(sent.request) != 0) tokens += sent.grant.tokens;
  }
  CHECK(tokens >= 9'500);
}

TEST_CASE("dispatch: so many requests are in flight and the next leaves with an answer") {
  SimulatedService service({{"A", 60'000, 10'000'000}}, options_of(3),
                           [](const Sent&) { return reply_of(Answer::embedded, 10s); });
  for (int i = 0; i < 6; ++i) service.submit(1);
  service.run_for(9s);
  CHECK(service.sent.size() == 3);
  CHECK(service.dispatch.state(service.now).binding == Binding::requests_in_flight);
  service.run_for(2s);
  CHECK(service.sent.size() == 6);
}

TEST_CASE("dispatch: a paused key is not used and the others are") {
  SimulatedService service({{"A", 6'000, 100'000}, {"B", 6'000, 100'000}}, options_of(),
                           [](const Sent& sent) {
                             Reply reply = reply_of(Answer::embedded, 10ms);
                             if (sent.request == 0) {
                               reply.receipt.answer = Answer::rate_limited;
                               reply.receipt.limits.retry_after = 30s;
                             }
                             return reply;
                           });
  service.submit(10);
  service.run_for(10ms);
  const TimePoint paused_at = service.now;
  const std::size_t paused = service.sent[0].grant.key;
  for (int i = 0; i < 4'000; ++i) service.submit(100);
  service.run_for(2min);
  TimePoint first_after = TimePoint::max();
  for (std::size_t i = 1; i < service.sent.size(); ++i) {
    if (service.sent[i].grant.key == paused) {
      first_after = std::min(first_after, service.sent[i].at);
    }
  }
  CHECK(first_after == paused_at + 30s);
  CHECK(tokens_sent(service, 1 - paused) > 150'000);
}

TEST_CASE("dispatch: keys are refused one by one and then everything is") {
  SimulatedService service({{"A", 60, 10'000}, {"B", 60, 10'000}}, options_of(),
                           [](const Sent&) { return reply_of(Answer::key_refused); });
  service.submit(10);
  service.run_for(1s);
  const std::uint64_t second = service.submit(10);
  CHECK(service.sent.size() == 2);
  CHECK(service.sent[0].grant.key != service.sent[1].grant.key);
  CHECK(service.sent[1].request == second);
  service.run_for(1s);
  const std::uint64_t third = service.submit(10);
  REQUIRE(service.refused.count(third) == 1);
  CHECK(service.refused.at(third).kind == ErrorKind::permanent);
  CHECK(service.refused.at(third).message ==
        "http://embed refuses every key (A, B): check that they are valid and have credit");
}

TEST_CASE("dispatch: a request that no key can take is refused and says what to do") {
  SimulatedService service({{"A", 60, 5'000}, {"B", 60, 8'000}}, options_of(), embeds);
  const std::uint64_t request = service.submit(9'000);
  REQUIRE(service.refused.count(request) == 1);
  CHECK(service.refused.at(request).kind == ErrorKind::permanent);
  CHECK(service.refused.at(request).message ==
        "a request of 9000 tokens is more than the 8000 tokens a minute of key B: use a smaller "
        "--request-tokens or --chunk-tokens");
  service.submit(8'000);
  CHECK(service.sent.size() == 1);
}

TEST_CASE("dispatch: a request that waits is refused when the limit turns out too low for it") {
  SimulatedService service({{"A", 60, 5'000}}, options_of(), [](const Sent&) {
    Reply reply = reply_of(Answer::embedded);
    reply.receipt.limits.tokens_per_minute = 1'000;
    return reply;
  });
  service.submit(500);
  const std::uint64_t large = service.submit(2'000);
  const std::uint64_t small = service.submit(1'000);
  service.run_for(2min);
  CHECK(service.refused.count(large) == 1);
  CHECK(service.sent.back().request == small);
}

TEST_CASE("dispatch: a misconfigured service refuses everything") {
  SimulatedService service({{"A", 60, 5'000}}, options_of(),
                           [](const Sent&) { return reply_of(Answer::misconfigured); });
  service.submit(500);
  const std::uint64_t second = service.submit(500);
  service.run_for(1s);
  CHECK(service.refused.at(second).kind == ErrorKind::permanent);
  CHECK(service.refused.at(second).message ==
        "the embedding service http://embed is misconfigured: check its address and the model's "
        "name");
}

TEST_CASE("dispatch: while the endpoint is down only probes are sent") {
  bool down = true;
  SimulatedService service({{"A", 6'000, 1'000'000}}, options_of(), [&](const Sent&) {
    return reply_of(down ? Answer::failed : Answer::embedded);
  });
  service.settled = [&](const Sent& sent, const Receipt& receipt, Blame) {
    if (receipt.answer == Answer::failed) service.submit(sent.grant.tokens);
  };
  service.probe_reply = reply_of(Answer::failed);
  for (int i = 0; i < 10; ++i) service.submit(100);
  service.run_for(1min);
  CHECK(service.sent.size() == 14);  // four came back before the fifth failed
  CHECK(service.dispatch.state(service.now).endpoint_down);
  CHECK(service.dispatch.state(service.now).binding == Binding::endpoint_down);
  CHECK(service.probes.size() >= 5);
  CHECK(service.probes.size() <= 10);
  down = false;
  service.probe_reply = reply_of(Answer::embedded);
  service.run_for(31s);
  CHECK(service.sent.size() == 24);
  CHECK_FALSE(service.dispatch.state(service.now).endpoint_down);
  CHECK(service.dispatch.state(service.now).binding == Binding::nothing);
}

TEST_CASE("dispatch: an endpoint that stays down for its patience refuses everything") {
  SimulatedService service({{"A", 6'000, 1'000'000}}, options_of(),
                           [](const Sent&) { return reply_of(Answer::failed); });
  service.probe_reply = reply_of(Answer::failed, 60s);
  for (int i = 0; i < 10; ++i) service.submit(100);
  service.run_for(29min);
  const std::uint64_t waits = service.submit(100);
  CHECK(service.refused.empty());
  service.run_for(2min);
  REQUIRE(service.refused.count(waits) == 1);
  CHECK(service.refused.at(waits).kind == ErrorKind::permanent);
  CHECK(service.refused.at(waits).message ==
        "http://embed has not answered for 30 min; run the same command again to go on");
}

TEST_CASE("dispatch: the budget of tokens is never exceeded and then nothing more is sent") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    ThrottleOptions options = options_of(1 + random.below(20));
    options.tokens_max = 50'000;
    std::uint64_t billed = 0;
    SimulatedService service({{"A", 6'000, 1'000'000}}, options, [&](const Sent& sent) {
      Reply reply = reply_of(Answer::embedded, std::chrono::milliseconds(random.below(500)));
      switch (random.below(10)) {
        case 0:
          reply.receipt.answer = Answer::refused_input;
          return reply;
        case 1:
          reply.receipt.answer = Answer::rate_limited;
          return reply;
        case 2:
          reply.receipt.answer = Answer::failed;
          break;
        case 3:
          reply.receipt.answer = Answer::nonsense;
          break;
        default:
          reply.receipt.tokens = sent.grant.tokens;
          break;
      }
      billed += sent.grant.tokens;
      return reply;
    });
    service.probe_reply = reply_of(Answer::embedded);
    for (int i = 0; i < 400; ++i) service.submit(1 + random.below(1'000));
    service.run_for(30min);
    CHECK(billed <= 50'000);
    CHECK(billed + service.probes.size() * options.probe_tokens > 49'000);
    CHECK(service.sent.size() + service.refused.size() == 400);
    for (const auto& [request, error] : service.refused) {
      CHECK(error.kind == ErrorKind::cancelled);
      CHECK(error.message == "--max-tokens 50000 is spent");
    }
  }
}

TEST_CASE("dispatch: a request waits for answers that may leave room in the budget") {
  ThrottleOptions options = options_of();
  options.tokens_max = 1'000;
  SimulatedService service({{"A", 6'000, 1'000'000}}, options, [](const Sent& sent) {
    return reply_of(sent.request == 0 ? Answer::rate_limited : Answer::embedded);
  });
  service.submit(600);
  const std::uint64_t second = service.submit(500);
  service.run_for(50ms);
  CHECK(service.sent.size() == 1);
  CHECK(service.refused.empty());
  CHECK(service.dispatch.state(service.now).binding == Binding::budget);
  service.run_for(1min);
  CHECK(service.sent.size() == 2);
  CHECK(service.sent.back().request == second);
  CHECK(service.submit(501) == 2);
  CHECK(service.refused.count(2) == 1);
}

TEST_CASE("dispatch: after stop everything is refused and what was granted goes on") {
  SimulatedService service({{"A", 60, 5'000}}, options_of(), embeds);
  service.submit(500);
  const std::uint64_t waits = service.submit(500);
  service.stop();
  const std::uint64_t comes = service.submit(500);
  for (const std::uint64_t request : {waits, comes}) {
    REQUIRE(service.refused.count(request) == 1);
    CHECK(service.refused.at(request).kind == ErrorKind::cancelled);
  }
  service.run_for(1min);
  CHECK(service.dispatch.state(service.now).requests_in_flight == 0);
}

TEST_CASE("dispatch: its state says what binds and what it did") {
  SimulatedService service({{"A", 60, 6'010}}, options_of(), embeds);
  CHECK(service.dispatch.state(service.now).binding == Binding::nothing);
  for (int i = 0; i < 3; ++i) service.submit(1'000);
  service.run_for(1s);
  const ThrottleState state = service.dispatch.state(service.now);
  CHECK(state.binding == Binding::tokens);
  CHECK(state.lanes[index_of(Lane::bulk)].requests == 2);
  CHECK(state.lanes[index_of(Lane::bulk)].tokens == 2'000);
  CHECK(state.totals.requests == 1);
  CHECK(state.totals.tokens_reserved == 1'000);
  CHECK(state.totals.tokens_used == 1'000);
  REQUIRE(state.keys.size() == 1);
  CHECK(state.keys[0].name == "A");
  CHECK(state.keys[0].tokens_per_minute == 6'010U);
  CHECK(name_of(state.binding) == "tokens");
}

}  // namespace
}  // namespace penstock
