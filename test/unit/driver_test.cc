#include "loadgen/driver.h"

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

Phase phase(std::string name, ArrivalPlan plan) {
  Phase made;
  made.name = std::move(name);
  made.plan = plan;
  return made;
}

Stretch stretch(std::uint32_t phase, const std::vector<Offset>& at, Offset length) {
  Stretch made;
  made.phase = phase;
  made.length = length;
  for (const Offset due : at) made.due.push_back({due, 0});
  return made;
}

// Keeps what it was sent; documents end when the test says so.
class Kept final : public Destination {
 public:
  explicit Kept(Journal& journal) : journal_(journal) {}

  void send(Shipment shipment) override {
    {
      const std::lock_guard lock(mutex_);
      in_flight_at_send_.push_back(journal_.counts().in_flight());
      sent_.push_back(shipment.number);
    }
    if (on_send_) on_send_(shipment.number);
  }
  State state() override { return {}; }
  void stop() override {}

  void when_sent(std::function<void(std::uint64_t)> call) { on_send_ = std::move(call); }
  void end(std::uint64_t number) {
    const std::string id = std::to_string(number);
    journal_.issued(number);
    journal_.accepted(number, 202, id);
    journal_.ended(id);
  }
  std::vector<std::uint64_t> sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
  // Of the journal, itself included, at each sending.
  std::vector<std::uint64_t> in_flight_at_send() {
    const std::lock_guard lock(mutex_);
    return in_flight_at_send_;
  }

 private:
  Journal& journal_;
  std::function<void(std::uint64_t)> on_send_;
  std::mutex mutex_;
  std::vector<std::uint64_t> sent_;
  std::vector<std::uint64_t> in_flight_at_send_;
};

struct World {
  Journal journal{std::chrono::steady_clock::now()};
  Kept destination{journal};
  std::vector<PhaseRecord> run(const std::vector<Phase>& phases, const Schedule& schedule) {
    DriverOptions options;
    options.name_prefix = "run-";
    options.drain_max = 1min;
    return drive(
        phases, schedule, [](std::uint64_t, std::uint32_t) { return Content{}; }, destination,
        journal, options);
  }
};

TEST_CASE("driver: what is due is sent though nothing is answered and its times are the plan's") {
  World world;
  const std::vector<Offset> at = {0ms, 3ms, 3ms, 10ms};
  const auto phases = world.run({phase("steady", ArrivalPlan::constant)}, {stretch(0, at, 12ms)});
  REQUIRE(world.destination.sent() == std::vector<std::uint64_t>{0, 1, 2, 3});
  REQUIRE(phases.size() == 1);
  CHECK(phases[0].end == phases[0].begin + 12ms);
  const std::vector<Arrival> arrivals = world.journal.take();
  for (std::size_t i = 0; i < at.size(); ++i)
    CHECK(arrivals[i].intended == phases[0].begin + at[i]);
}

TEST_CASE("driver: a stretch begins when the one before was planned to end") {
  World world;
  world.destination.when_sent([&](std::uint64_t number) {
    // Late, as a starved generator is.
    const Offset until = world.journal.now() + 20ms;
    while (number == 0 && world.journal.now() < until) std::this_thread::yield();
  });
  const auto phases =
      world.run({phase("one", ArrivalPlan::constant), phase("two", ArrivalPlan::constant)},
                {stretch(0, {0ms}, 5ms), stretch(1, {1ms}, 5ms)});
  REQUIRE(phases.size() == 2);
  CHECK(phases[1].begin == phases[0].begin + 5ms);
  CHECK(world.journal.take()[1].intended == phases[0].begin + 6ms);
}

TEST_CASE("driver: the next burst waits until all of the one before has ended") {
  World world;
  std::vector<std::thread> workers;
  world.destination.when_sent([&](std::uint64_t number) {
    // Ends once the whole burst was sent, so that nothing of it has ended before.
    if (number % 3 != 2) return;
    workers.emplace_back([&, number] {
      for (std::uint64_t i = number - 2; i <= number; ++i) world.destination.end(i);
    });
  });
  Stretch burst = stretch(0, {0ms, 0ms, 0ms}, 0ms);
  burst.is_drained_after = true;
  world.run({phase("bursts", ArrivalPlan::burst)}, {burst, burst});
  for (std::thread& worker : workers) worker.join();
  CHECK(world.destination.in_flight_at_send() == std::vector<std::uint64_t>{1, 2, 3, 1, 2, 3});
}

TEST_CASE("driver: a burst whose sending takes its time is waited for all the same") {
  World world;
  std::thread worker;
  world.destination.when_sent([&](std::uint64_t number) {
    if (number == 0) worker = std::thread([&] { world.destination.end(0); });
  });
  Stretch burst = stretch(0, {0ms}, 0ms);
  burst.is_drained_after = true;
  world.run({phase("burst", ArrivalPlan::burst)}, {burst});
  // Not issued when it was sent, and ended when the driver came back.
  CHECK(world.journal.counts().ended == 1);
  worker.join();
}

TEST_CASE("driver: clients of a closed model have one document each") {
  World world;
  std::vector<std::thread> workers;
  world.destination.when_sent([&](std::uint64_t number) {
    if (number < 30)
      workers.emplace_back([&, number] { world.destination.end(number); });
    else
      world.journal.stop();
  });
  Stretch closed = stretch(0, {0ms}, 1min);
  closed.clients = 3;
  world.run({phase("closed", ArrivalPlan::closed)}, {closed});
  for (std::thread& worker : workers) worker.join();
  CHECK(world.destination.sent().size() >= 31);
  for (const std::uint64_t in_flight : world.destination.in_flight_at_send()) CHECK(in_flight <= 3);
}

TEST_CASE("driver: a run that is stopped sends nothing more") {
  World world;
  world.destination.when_sent([&](std::uint64_t) { world.journal.stop(); });
  const auto phases =
      world.run({phase("one", ArrivalPlan::constant), phase("two", ArrivalPlan::constant)},
                {stretch(0, {0ms, 1min}, 2min), stretch(1, {0ms}, 1min)});
  CHECK(world.destination.sent().size() == 1);
  REQUIRE(phases.size() == 1);
  CHECK(phases[0].end < 1min);
}

TEST_CASE("journal: a document that ends before its answer came has ended once it is named") {
  Journal journal(std::chrono::steady_clock::now());
  const std::uint64_t number = journal.due({});
  journal.issued(number);
  journal.ended("a");
  CHECK(journal.counts().ended == 0);
  journal.accepted(number, 202, "a");
  CHECK(journal.counts().in_flight() == 0);
  // What nobody is waited for is not remembered.
  journal.ended("b");
  const std::uint64_t other = journal.due({});
  journal.issued(other);
  journal.accepted(other, 202, "b");
  CHECK(journal.unended() == std::vector<std::string>{"b"});
}

TEST_CASE("journal: what was dropped refused or broken is not in flight") {
  Journal journal(std::chrono::steady_clock::now());
  for (int i = 0; i < 3; ++i) journal.due({});
  CHECK(journal.counts().in_flight() == 3);
  journal.dropped(0, "no room");
  journal.issued(1);
  journal.refused(1, 429, "full");
  journal.issued(2);
  journal.broken(2, "reset");
  CHECK(journal.counts().in_flight() == 0);
  const std::vector<Arrival> arrivals = journal.take();
  CHECK(arrivals[0].ending == Ending::dropped);
  CHECK_FALSE(arrivals[0].issued);
  CHECK(arrivals[1].ending == Ending::refused);
  CHECK(arrivals[1].answered);
  CHECK(arrivals[2].ending == Ending::broken);
  CHECK_FALSE(arrivals[2].answered);
}

}  // namespace
}  // namespace penstock
