#include "engine/stages/throttle/throttle.h"

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "test/support/catch.h"
#include "test/support/memory_budget.h"

namespace penstock {
namespace {

const std::vector<KeyQuota> ample = {{"A", 1'000'000'000, 1'000'000'000'000}};

ThrottleOptions options_of(std::size_t requests_in_flight_max = 64) {
  ThrottleOptions options;
  options.endpoint = "http://embed";
  options.requests_in_flight_max = requests_in_flight_max;
  return options;
}

void no_probe(std::size_t, const std::function<void(const Receipt&)>&) {
  FAIL("a probe was sent");
}

Receipt receipt_of(Answer answer) {
  Receipt receipt;
  receipt.answer = answer;
  return receipt;
}

TEST_CASE("throttle: grants come and settling makes room for the next") {
  Throttle throttle(ample, options_of(1), no_probe);
  std::promise<Result<Grant>> first;
  std::promise<Result<Grant>> second;
  throttle.reserve(10, Lane::bulk, [&](Result<Grant> grant) { first.set_value(grant); });
  throttle.reserve(20, Lane::bulk, [&](Result<Grant> grant) { second.set_value(grant); });
  const Result<Grant> granted = first.get_future().get();
  REQUIRE(granted);
  CHECK(granted->tokens == 10);
  CHECK(throttle.state().requests_in_flight == 1);
  CHECK(throttle.state().binding == Binding::requests_in_flight);
  CHECK(throttle.settle(*granted, receipt_of(Answer::embedded)) == Blame::request);
  const Result<Grant> next = second.get_future().get();
  REQUIRE(next);
  CHECK(next->tokens == 20);
  throttle.settle(*next, receipt_of(Answer::embedded));
  CHECK(throttle.state().totals.requests == 2);
}

TEST_CASE("throttle: what has to wait is granted by its own thread") {
  // The second request waits some milliseconds for the first to be paid.
  Throttle throttle({{"A", 6'000, 1'000'000}}, options_of(), no_probe);
  std::promise<std::thread::id> granted_by;
  throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) {
    throttle.settle(*grant, receipt_of(Answer::embedded));
  });
  throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) {
    throttle.settle(*grant, receipt_of(Answer::embedded));
    granted_by.set_value(std::this_thread::get_id());
  });
  CHECK(granted_by.get_future().get() != std::thread::id{});
}

TEST_CASE("throttle: a callback may reserve and settle as often as it likes") {
  Throttle throttle(ample, options_of(2), no_probe);
  std::promise<void> done;
  int left = 100'000;
  Quota::Ready again = [&](Result<Grant> grant) {
    throttle.settle(*grant, receipt_of(Answer::embedded));
    if (--left > 0) {
      throttle.reserve(1, Lane::bulk, again);
    } else {
      done.set_value();
    }
  };
  throttle.reserve(1, Lane::bulk, again);
  done.get_future().get();
  CHECK(throttle.state().totals.requests == 100'000);
}

TEST_CASE("throttle: stop refuses what waits and what comes") {
  Throttle throttle(ample, options_of(1), no_probe);
  std::promise<Result<Grant>> holder;
  std::promise<Result<Grant>> waiter;
  throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) { holder.set_value(grant); });
  throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) { waiter.set_value(grant); });
  const Result<Grant> held = holder.get_future().get();
  REQUIRE(held);
  throttle.stop();
  const Result<Grant> refused = waiter.get_future().get();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::cancelled);
  std::promise<Result<Grant>> late;
  throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) { late.set_value(grant); });
  CHECK_FALSE(late.get_future().get());
  throttle.settle(*held, receipt_of(Answer::embedded));
}

TEST_CASE("throttle: its end refuses what waits") {
  std::promise<Result<Grant>> waiter;
  {
    Throttle throttle({{"A", 1, 10}}, options_of(), no_probe);
    throttle.reserve(10, Lane::bulk, [&](Result<Grant> grant) {
      throttle.settle(*grant, receipt_of(Answer::embedded));
    });
    throttle.reserve(10, Lane::bulk, [&](Result<Grant> grant) { waiter.set_value(grant); });
  }
  CHECK(waiter.get_future().get().error().kind == ErrorKind::cancelled);
}

TEST_CASE("throttle: a probe finds out that the endpoint is back") {
  std::atomic<int> probes{0};
  Throttle throttle(ample, options_of(),
                    [&](std::size_t key, const std::function<void(const Receipt&)>& done) {
                      CHECK(key == 0);
                      ++probes;
                      done(receipt_of(Answer::embedded));
                    });
  for (int i = 0; i < 5; ++i) {
    throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) {
      throttle.settle(*grant, receipt_of(Answer::failed));
    });
  }
  std::promise<Result<Grant>> after;
  throttle.reserve(1, Lane::bulk, [&](Result<Grant> grant) { after.set_value(grant); });
  const Result<Grant> granted = after.get_future().get();
  REQUIRE(granted);
  CHECK(probes == 1);
  throttle.settle(*granted, receipt_of(Answer::embedded));
}

TEST_CASE("throttle: processes of a fleet lease what they send from one budget") {
  BudgetMemory memory({"http://embed", {{"A", 1'000, 1'000'000}}, 0},
                      [] { return std::chrono::steady_clock::now(); });
  // One thread at a time is what the memory takes: the second process begins when the first is
  // done.
  for (int process = 0; process < 2; ++process) {
    MemoryBudget budget(memory);
    Throttle throttle({{"A", 1'000, 1'000'000}}, options_of(), no_probe, &budget);
    for (int i = 0; i < 400; ++i) {
      std::promise<Result<Grant>> granted;
      throttle.reserve(10, Lane::interactive,
                       [&](Result<Grant> grant) { granted.set_value(grant); });
      const Result<Grant> grant = granted.get_future().get();
      REQUIRE(grant);
      Receipt receipt;
      receipt.tokens = 5;
      throttle.settle(*grant, receipt);
    }
  }
  // What was counted otherwise is told before the end.
  MemoryBudget budget(memory);
  LeaseCall nothing;
  nothing.usable = {true};
  const Result<LeaseAnswer> seen = budget.lease(nothing);
  CHECK(seen->keys[0].requests == 800);
  CHECK(seen->keys[0].tokens == 4'000);
}

TEST_CASE("throttle: a budget that cannot be reached does not keep it from ending") {
  BudgetMemory memory({"http://embed", {{"A", 1'000, 1'000'000}}, 0},
                      [] { return std::chrono::steady_clock::now(); });
  MemoryBudget budget(memory);
  budget.is_reachable = false;
  std::promise<Result<Grant>> waiter;
  {
    Throttle throttle({{"A", 1'000, 1'000'000}}, options_of(), no_probe, &budget);
    throttle.reserve(10, Lane::bulk, [&](Result<Grant> grant) { waiter.set_value(grant); });
  }
  CHECK(waiter.get_future().get().error().kind == ErrorKind::cancelled);
}

TEST_CASE("throttle: many threads reserve and settle and every request has one answer") {
  std::atomic<int> granted{0};
  std::atomic<int> refused{0};
  {
    Throttle throttle(ample, options_of(4), no_probe);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        for (int j = 0; j < 2'000; ++j) {
          throttle.reserve(1, j % 2 == 0 ? Lane::bulk : Lane::interactive,
                           [&](Result<Grant> grant) {
                             if (!grant) {
                               ++refused;
                               return;
                             }
                             ++granted;
                             throttle.settle(*grant, receipt_of(Answer::embedded));
                           });
          if (i == 0 && j == 1'500) throttle.stop();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(granted + refused == 8'000);
  CHECK(refused > 0);
}

}  // namespace
}  // namespace penstock
