#include "engine/backends/redis/redis_budget.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/backends/redis/lease_script.h"
#include "engine/core/random.h"
#include "test/contract/budget_contract.h"
#include "test/support/catch.h"
#include "test/support/memory_budget.h"
#include "test/support/test_redis.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

// The script with a clock that tests move: a list beside the budget, of seconds and microseconds.
std::string script_with_clock() {
  std::string script = lease_script;
  const std::string real = "redis.call('TIME')";
  const std::size_t at = script.find(real);
  REQUIRE(at != std::string::npos);
  return script.replace(at, real.size(), "redis.call('LRANGE', KEYS[1] .. ':clock', 0, 1)");
}

// A budget of its own on a real server.
class TestedBudget {
 public:
  TestedBudget(const std::string& url, BudgetTerms terms)
      : url_(url), terms_(std::move(terms)), redis_(url) {
    pass(Duration{0});
  }

  std::unique_ptr<SharedBudget> open() const {
    return std::make_unique<RedisBudget>(url_, terms_, name_, script_.c_str());
  }
  void pass(Duration passed) {
    now += passed;
    const std::int64_t micros =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    run({"DEL", budget_ + ":clock"});
    run({"RPUSH", budget_ + ":clock", std::to_string(micros / 1'000'000),
         std::to_string(micros % 1'000'000)});
  }
  void lose() {
    run({"DEL", budget_});
    for (std::size_t key = 0; key < terms_.keys.size(); ++key) {
      run({"DEL", prefix_ + "key:" + std::to_string(key)});
    }
  }
  RedisReply run(const RedisCommand& command) {
    Result<RedisReply> reply = redis_.run(budget_, command);
    REQUIRE(reply.has_value());
    return *std::move(reply);
  }

  TimePoint now{std::chrono::hours(1)};
  const std::string budget() const { return budget_; }

 private:
  const std::string script_ = script_with_clock();
  const std::string name_ = unique_name();
  const std::string prefix_ = "penstock:{quota:" + name_ + "}:";
  const std::string budget_ = prefix_ + "budget";
  const std::string url_;
  const BudgetTerms terms_;
  Redis redis_;
};

void keeps_the_contract(const char* variable) {
  const std::optional<std::string> url = redis_for_tests(variable);
  if (!url) return;
  std::unique_ptr<TestedBudget> budget;
  run_budget_contract([&](const BudgetTerms& terms) -> BudgetUnderTest {
    budget = std::make_unique<TestedBudget>(*url, terms);
    return {[&budget] { return budget->open(); },
            [&budget](Duration passed) { budget->pass(passed); }, [&budget] { budget->lose(); }};
  });
}

TEST_CASE("redis budget: keeps the contract") {
  keeps_the_contract("PENSTOCK_TEST_REDIS");
}

TEST_CASE("redis budget: keeps the contract on a cluster") {
  keeps_the_contract("PENSTOCK_TEST_REDIS_CLUSTER");
}

// The same lease, as the server and as the model gave it.
struct Held {
  Lease real;
  Lease model;
};

struct Calls {
  LeaseCall real;
  LeaseCall model;
};

Calls random_calls(Random& random, std::size_t keys, std::vector<Held>& held) {
  LeaseCall call;
  for (std::size_t i = random.below(5); i > 0; --i) {
    call.wishes.push_back(
        {1 + random.below(2'000), random.below(4) == 0 ? Lane::interactive : Lane::bulk});
  }
  for (std::size_t key = 0; key < keys; ++key) call.usable.push_back(random.below(10) != 0);
  if (random.below(100) == 0) {
    call.reports.push_back({random.below(keys), std::chrono::milliseconds(random.below(3'000)),
                            random.below(2) * 100, random.below(2) * 20'000});
  }
  Calls calls{call, call};
  for (std::size_t i = random.below(3); i > 0 && !held.empty(); --i) {
    const std::size_t at = random.below(held.size());
    const Held ended = held[at];
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    LeaseEnd end{ended.real, 1 + random.below(2 * ended.real.tokens)};
    end.sent = random.below(3) != 0;
    if (end.sent && random.below(3) == 0) end.late = std::chrono::milliseconds(random.below(3'000));
    calls.real.ends.push_back(end);
    end.lease = ended.model;
    calls.model.ends.push_back(end);
  }
  return calls;
}

TEST_CASE("redis budget: the script answers as the model does") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    const std::vector<KeyQuota> keys = {
        {"A", 100 + random.below(500), 20'000 + random.below(100'000)},
        {"B", 100 + random.below(500), 20'000 + random.below(100'000)}};
    const BudgetTerms terms{"http://embed", keys, seed % 2 == 0 ? 0.1 : 0};
    TestedBudget tested(*url, terms);
    BudgetMemory memory(terms, [&tested] { return tested.now; });
    std::vector<std::unique_ptr<SharedBudget>> processes;
    std::vector<std::unique_ptr<SharedBudget>> models;
    std::vector<std::vector<Held>> held(3);
    for (int i = 0; i < 3; ++i) {
      processes.push_back(tested.open());
      models.push_back(std::make_unique<MemoryBudget>(memory));
      LeaseCall nothing;
      nothing.usable.resize(keys.size());
      REQUIRE(models.back()->lease(nothing));
    }
    for (int i = 0; i < 2'500; ++i) {
      CAPTURE(seed);
      CAPTURE(i);
      if (random.below(1'000) == 0) {
        tested.lose();
        memory.lose();
      }
      const std::size_t process = random.below(3);
      const Calls calls = random_calls(random, keys.size(), held[process]);
      const Result<LeaseAnswer> answer = processes[process]->lease(calls.real);
      const Result<LeaseAnswer> expected = models[process]->lease(calls.model);
      REQUIRE(answer.has_value());
      REQUIRE(answer->leases.size() == expected->leases.size());
      for (std::size_t lease = 0; lease < answer->leases.size(); ++lease) {
        REQUIRE(answer->leases[lease].wish == expected->leases[lease].wish);
        REQUIRE(answer->leases[lease].key == expected->leases[lease].key);
        REQUIRE(answer->leases[lease].slot == expected->leases[lease].slot);
        held[process].push_back({answer->leases[lease], expected->leases[lease]});
      }
      for (const Lane lane : all_lanes) {
        const std::optional<Denial>& denial = answer->denials[index_of(lane)];
        const std::optional<Denial>& model = expected->denials[index_of(lane)];
        REQUIRE(denial.has_value() == model.has_value());
        if (!denial) continue;
        REQUIRE(denial->ask_again_in == model->ask_again_in);
        REQUIRE(denial->what == model->what);
      }
      for (std::size_t key = 0; key < keys.size(); ++key) {
        REQUIRE(answer->keys[key].tokens == expected->keys[key].tokens);
        REQUIRE(answer->keys[key].requests == expected->keys[key].requests);
        REQUIRE(answer->keys[key].tokens_per_minute == expected->keys[key].tokens_per_minute);
      }
      tested.pass(std::chrono::microseconds(random.below(100) == 0 ? random.below(40'000'000)
                                                                   : random.below(400'000)));
    }
  }
}

TEST_CASE("redis budget: nothing is leased for a minute after another server answers") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  TestedBudget tested(*url, {"http://embed", {{"A", 600, 60'000}}, 0});
  const auto budget = tested.open();
  LeaseCall call;
  call.wishes = {{100, Lane::interactive}};
  call.usable = {true};
  CHECK(budget->lease(call)->leases.size() == 1);
  SECTION("such as one that restarted") {
    tested.run({"HSET", tested.budget(), "server", "old"});
  }
  SECTION("or whose clock went back") {
    tested.pass(-2s);
  }
  CHECK(budget->lease(call)->leases.empty());
  tested.pass(60s);
  CHECK(tested.open()->lease(call)->leases.empty());
  tested.pass(400ms);
  CHECK(budget->lease(call)->leases.size() == 1);
}

TEST_CASE("redis budget: processes that do not agree on the limits are told") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  const std::string name = unique_name();
  const RedisBudget first(*url, {"http://embed", {{"A", 600, 60'000}}, 0.1}, name);
  try {
    RedisBudget(*url, {"http://embed", {{"A", 600, 90'000}}, 0}, name);
    FAIL("no error");
  } catch (const FatalError& error) {
    CHECK(std::string(error.what()) ==
          "the quota " + name + " on " + Redis(*url).name() +
              " is shared by processes with other limits (http://embed A:600:60000 interactive "
              "share 0.1; here: http://embed A:600:90000 interactive share 0): start all with the "
              "same, two minutes after "
              "the last has ended");
  }
}

TEST_CASE("redis budget: services do not mix") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  const std::string endpoint = "http://" + unique_name();
  const BudgetTerms terms{endpoint, {{"A", 600, 60'000}}, 0};
  const RedisBudget budget(*url, terms);
  CHECK(RedisBudget(*url, terms).name() == budget.name());
  BudgetTerms other = terms;
  other.endpoint += "/other";
  CHECK(RedisBudget(*url, other).name() != budget.name());
  other = terms;
  other.keys[0].tokens_per_minute += 1;
  CHECK(RedisBudget(*url, other).name() != budget.name());
}

TEST_CASE("redis budget: what a fleet uses is told to who knows only its name") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  const std::string name = unique_name();
  CHECK_FALSE(use_of_budget(*url, name).has_value());
  const BudgetTerms terms{"http://embed", {{"A", 600, 60'000}, {"B", 300, 30'000}}, 0.1};
  RedisBudget budget(*url, terms, name);
  LeaseCall call;
  call.wishes = {{100, Lane::interactive}, {50, Lane::interactive}};
  call.usable = {true, false};
  call.reports = {{1, 30s, 0, 20'000}};
  REQUIRE(budget.lease(call)->leases.size() == 2);
  const std::optional<BudgetUse> use = use_of_budget(*url, name);
  REQUIRE(use.has_value());
  CHECK(use->terms.endpoint == "http://embed");
  CHECK(use->terms.interactive_share == 0.1);
  REQUIRE(use->keys.size() == 2);
  CHECK(use->terms.keys[0].name == "A");
  CHECK(use->keys[0].requests == 2);
  CHECK(use->keys[0].tokens == 150);
  CHECK(use->keys[0].requests_per_minute == 600);
  CHECK(use->keys[0].tokens_per_minute == 60'000);
  CHECK(use->keys[0].paused_for == 0s);
  CHECK(use->terms.keys[1].name == "B");
  CHECK(use->keys[1].tokens == 0);
  CHECK(use->keys[1].tokens_per_minute == 20'000);
  CHECK(use->keys[1].paused_for > 0s);
  CHECK(use->keys[1].paused_for <= 30s);
}

TEST_CASE("redis budget: what is leased is of use for a while only by the caller's clock") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  RedisBudget budget(*url, {"http://embed", {{"A", 600, 60'000}}, 0}, unique_name());
  LeaseCall call;
  call.wishes = {{100, Lane::interactive}};
  call.usable = {true};
  const TimePoint before = std::chrono::steady_clock::now();
  const Result<LeaseAnswer> answer = budget.lease(call);
  const TimePoint after = std::chrono::steady_clock::now();
  REQUIRE(answer.has_value());
  REQUIRE(answer->leases.size() == 1);
  CHECK(answer->leases[0].valid_until >= before + lease_valid_for);
  CHECK(answer->leases[0].valid_until <= after + lease_valid_for);
}

TEST_CASE("redis budget: a server that is gone is to be waited for") {
  const std::optional<std::string> url = redis_for_tests("PENSTOCK_TEST_REDIS");
  if (!url) return;
  CHECK_THROWS_AS(RedisBudget("redis://127.0.0.1:1", {"http://embed", {{"A", 600, 60'000}}, 0}),
                  FatalError);
}

}  // namespace
}  // namespace penstock
