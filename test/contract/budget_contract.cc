#include "test/contract/budget_contract.h"

#include <chrono>
#include <vector>

#include "engine/core/random.h"
#include "test/support/catch.h"
#include "test/support/simulated_service.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

LeaseCall call_of(std::vector<Wish> wishes, std::size_t keys = 1) {
  LeaseCall call;
  call.wishes = std::move(wishes);
  call.usable.assign(keys, true);
  return call;
}

LeaseAnswer ask(SharedBudget& budget, const LeaseCall& call) {
  Result<LeaseAnswer> answer = budget.lease(call);
  REQUIRE(answer.has_value());
  return *std::move(answer);
}

LeaseAnswer ask(SharedBudget& budget, std::uint64_t tokens, Lane lane) {
  return ask(budget, call_of({{tokens, lane}}));
}

LeaseEnd end_of(const Lease& lease) {
  return {lease, lease.tokens, true};
}

constexpr Lane bulk = Lane::bulk;
constexpr Lane interactive = Lane::interactive;

}  // namespace

void run_budget_contract(const std::function<BudgetUnderTest(const BudgetTerms&)>& make) {
  BudgetTerms terms{"http://embed", {{"A", 600, 60'000}}, 0};

  SECTION("what has room is leased, and all see what is used") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    const LeaseAnswer answer = ask(*one, call_of({{1'000, interactive}, {500, interactive}}));
    REQUIRE(answer.leases.size() == 2);
    CHECK(answer.leases[0].wish == 0);
    CHECK(answer.leases[0].tokens == 1'000);
    CHECK(answer.leases[1].wish == 1);
    CHECK(answer.leases[1].tokens == 500);
    CHECK_FALSE(answer.denials[index_of(interactive)]);
    const LeaseAnswer seen = ask(*other, call_of({}));
    REQUIRE(seen.keys.size() == 1);
    CHECK(seen.keys[0].tokens == 1'500);
    CHECK(seen.keys[0].requests == 2);
    CHECK(seen.keys[0].tokens_per_minute == 60'000);
    CHECK(seen.keys[0].requests_per_minute == 600);
  }

  SECTION("bulk is paced, whoever asks") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    CHECK(ask(*one, 500, bulk).leases.size() == 1);
    const LeaseAnswer denied = ask(*other, 500, bulk);
    CHECK(denied.leases.empty());
    REQUIRE(denied.denials[index_of(bulk)]);
    CHECK(denied.denials[index_of(bulk)]->what == Scarce::tokens);
    CHECK(denied.denials[index_of(bulk)]->ask_again_in ==
          budget_window_held * 500 / 60'000 + 667ns);
    test.pass(denied.denials[index_of(bulk)]->ask_again_in - 1us);
    CHECK(ask(*other, 500, bulk).leases.empty());
    test.pass(1us);
    CHECK(ask(*other, 500, bulk).leases.size() == 1);
  }

  SECTION("the pace catches up what a pause of five seconds missed, and no more") {
    const BudgetUnderTest test = make(terms);
    const auto budget = test.open();
    CHECK(ask(*budget, 1'000, bulk).leases.size() == 1);
    test.pass(30s);
    const LeaseAnswer answer = ask(*budget, call_of(std::vector<Wish>(10, {1'000, bulk})));
    CHECK(answer.leases.size() == 5);
  }

  SECTION("requests bind like tokens") {
    const BudgetUnderTest test = make(terms);
    const auto budget = test.open();
    CHECK(ask(*budget, 1, bulk).leases.size() == 1);
    const LeaseAnswer denied = ask(*budget, 1, bulk);
    CHECK(denied.leases.empty());
    CHECK(denied.denials[index_of(bulk)]->what == Scarce::requests);
    std::vector<Wish> many(600, {1, interactive});
    CHECK(ask(*budget, call_of(many)).leases.size() == 599);
  }

  SECTION("somebody who waits is bound by the window only") {
    const BudgetUnderTest test = make(terms);
    const auto budget = test.open();
    CHECK(ask(*budget, 60'000, interactive).leases.size() == 1);
    for (int second = 0; second < 60; ++second) {
      const LeaseAnswer denied = ask(*budget, 1, interactive);
      CHECK(denied.leases.empty());
      CHECK(denied.denials[index_of(interactive)]->ask_again_in <= ask_again_max);
      test.pass(1s);
    }
    test.pass(400ms);
    CHECK(ask(*budget, 60'000, interactive).leases.size() == 1);
  }

  SECTION("bulk leaves the interactive share alone") {
    terms.interactive_share = 0.2;
    const BudgetUnderTest test = make(terms);
    const auto budget = test.open();
    CHECK(ask(*budget, 48'000, bulk).leases.size() == 1);
    test.pass(55s);
    CHECK(ask(*budget, 1, bulk).leases.empty());
    CHECK(ask(*budget, 12'001, interactive).leases.empty());
    CHECK(ask(*budget, 12'000, interactive).leases.size() == 1);
  }

  SECTION("a key for which somebody waits is kept from everybody's bulk") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    CHECK(ask(*one, 59'000, interactive).leases.size() == 1);
    test.pass(59s);
    CHECK(ask(*one, 2'000, interactive).leases.empty());
    CHECK(ask(*other, 10, bulk).leases.empty());
    test.pass(1s + interactive_grace);
    CHECK(ask(*other, 10, bulk).leases.size() == 1);
  }

  SECTION("of the keys the least used is leased, and only one that the process can use") {
    terms.keys = {{"A", 600, 60'000}, {"B", 600, 120'000}};
    const BudgetUnderTest test = make(terms);
    const auto budget = test.open();
    std::vector<std::size_t> keys;
    for (const Lease& lease :
         ask(*budget, call_of(std::vector<Wish>(6, {1'000, interactive}), 2)).leases) {
      keys.push_back(lease.key);
    }
    CHECK(keys == std::vector<std::size_t>{0, 1, 1, 0, 1, 1});
    LeaseCall call = call_of({{100'000, interactive}}, 2);
    call.usable = {true, false};
    CHECK(ask(*budget, call).leases.empty());
    call.usable = {false, true};
    CHECK(ask(*budget, call).leases.size() == 1);
  }

  SECTION("what is given back can be leased again, and what was counted differently is") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    const LeaseAnswer leased = ask(*one, call_of({{40'000, interactive}, {20'000, interactive}}));
    REQUIRE(leased.leases.size() == 2);
    CHECK(ask(*other, 1, interactive).leases.empty());
    LeaseCall ends = call_of({});
    ends.ends = {end_of(leased.leases[0]), end_of(leased.leases[1])};
    ends.ends[0].sent = false;
    ends.ends[1].tokens = 21'000;
    const LeaseAnswer told = ask(*one, ends);
    CHECK(told.keys[0].tokens == 21'000);
    CHECK(told.keys[0].requests == 1);
    CHECK(ask(*other, 39'001, interactive).leases.empty());
    CHECK(ask(*other, 39'000, interactive).leases.size() == 1);
  }

  SECTION("a request that left late counts from then on") {
    const BudgetUnderTest test = make(terms);
    const auto budget = test.open();
    const LeaseAnswer leased = ask(*budget, 60'000, interactive);
    test.pass(10s);
    LeaseCall late = call_of({});
    late.ends = {end_of(leased.leases[0])};
    late.ends[0].late = 5s;
    ask(*budget, late);
    test.pass(55s);
    CHECK(ask(*budget, 1, interactive).leases.empty());
    test.pass(400ms);
    CHECK(ask(*budget, 60'000, interactive).leases.size() == 1);
  }

  SECTION("a pause holds for all") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    LeaseCall report = call_of({});
    report.reports = {{0, 10s}};
    ask(*one, report);
    const LeaseAnswer denied = ask(*other, 1, interactive);
    CHECK(denied.leases.empty());
    CHECK(denied.keys[0].paused_for == 10s);
    CHECK(denied.denials[index_of(interactive)]->what == Scarce::pause);
    test.pass(10s);
    CHECK(ask(*other, 1, interactive).leases.size() == 1);
  }

  SECTION("a lower limit that one was told holds for all") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    LeaseCall report = call_of({});
    report.reports = {{0, 0s, 1'000, 30'000}};
    ask(*one, report);
    const LeaseAnswer answer = ask(*other, 30'000, interactive);
    CHECK(answer.leases.size() == 1);
    CHECK(answer.keys[0].tokens_per_minute == 30'000);
    CHECK(answer.keys[0].requests_per_minute == 600);
    CHECK(ask(*other, 1, interactive).leases.empty());
  }

  SECTION("a memory that was lost counts a full minute as used") {
    const BudgetUnderTest test = make(terms);
    const auto one = test.open();
    const auto other = test.open();
    CHECK(ask(*one, 1'000, interactive).leases.size() == 1);
    CHECK(ask(*other, 1'000, interactive).leases.size() == 1);
    test.lose();
    const auto fresh = test.open();
    CHECK(ask(*fresh, 1'000, interactive).leases.size() == 1);
    test.pass(10s);
    CHECK(ask(*one, 1, interactive).leases.empty());
    CHECK(ask(*fresh, 1, interactive).leases.empty());
    test.pass(5s);
    CHECK(ask(*other, 1, interactive).leases.empty());
    test.pass(45s);
    CHECK(ask(*fresh, 1, interactive).leases.empty());
    test.pass(400ms);
    CHECK(ask(*fresh, 1, interactive).leases.size() == 1);
    CHECK(ask(*one, 1, interactive).leases.size() == 1);
  }

  SECTION("no minute ever holds more than the limits, wherever a request leaves in its time") {
    Random random(1);
    terms.keys = {{"A", 300, 60'000}, {"B", 600, 30'000}};
    terms.interactive_share = 0.1;
    const BudgetUnderTest test = make(terms);
    std::vector<std::unique_ptr<SharedBudget>> processes;
    for (int i = 0; i < 3; ++i) processes.push_back(test.open());
    std::vector<std::vector<Arrival>> tokens(2);
    std::vector<std::vector<Arrival>> requests(2);
    TimePoint now{};
    for (int i = 0; i < 4'000; ++i) {
      LeaseCall call = call_of({}, 2);
      for (std::size_t wish = 0; wish < 3; ++wish) {
        call.wishes.push_back({1 + random.below(1'000), random.below(5) == 0 ? interactive : bulk});
      }
      for (const Lease& lease : ask(*processes[random.below(3)], call).leases) {
        const Duration left_after = std::chrono::microseconds(random.below(350'001));
        tokens[lease.key].push_back({now + left_after, lease.tokens});
        requests[lease.key].push_back({now + left_after, 1});
      }
      const Duration passed = std::chrono::microseconds(random.below(200'000));
      now += passed;
      test.pass(passed);
    }
    for (std::size_t key = 0; key < 2; ++key) {
      CHECK(most_in_a_minute(tokens[key]) <= terms.keys[key].tokens_per_minute);
      CHECK(most_in_a_minute(requests[key]) <= terms.keys[key].requests_per_minute);
      CHECK(static_cast<double>(most_in_a_minute(tokens[key])) >
            0.95 * static_cast<double>(terms.keys[key].tokens_per_minute));
    }
  }
}

}  // namespace penstock
