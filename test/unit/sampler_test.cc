#include "loadgen/sampler.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

// A system that has used a thousand seconds of CPU more each time it is looked at, and whose depth
// is told once.
struct Watched {
  Journal journal{std::chrono::steady_clock::now()};
  std::atomic<int> looks{0};
  std::atomic<int> depths{0};
  bool is_seen = true;

  SamplerEyes eyes() {
    return {[this]() -> std::optional<ProcessUsage> {
              if (!is_seen) return std::nullopt;
              return ProcessUsage{std::chrono::duration<double>(1'000.0 * ++looks), 70'000'000, 12};
            },
            [] {
              return GeneratorUsage{std::chrono::duration<double>(0), std::nullopt, 34};
            },
            [this]() -> std::optional<Depth> {
              if (++depths > 1) return std::nullopt;
              return Depth{5, 2};
            },
            [] {
              return Destination::State{3, 1'000, milliseconds(4), milliseconds(6)};
            }};
  }
};

TEST_CASE("sampler: it looks a last time when it is stopped and tells once") {
  Watched watched;
  const std::uint64_t number = watched.journal.due({});
  watched.journal.issued(number);
  watched.journal.accepted(number, 202, "a");
  std::atomic<int> seen{0};
  Sampler sampler(watched.journal, watched.eyes(), [&] { ++seen; });
  const std::vector<Sample> samples = sampler.stop();
  REQUIRE_FALSE(samples.empty());
  CHECK(static_cast<std::size_t>(seen) == samples.size());
  const Sample& last = samples.back();
  CHECK(last.accepted == 1);
  CHECK(last.done == 0);
  CHECK(last.system_memory == 70'000'000);
  CHECK(last.system_descriptors == 12);
  CHECK(last.generator_descriptors == 34);
  CHECK_FALSE(last.generator_memory.has_value());
  CHECK(last.connections == 3);
  CHECK(last.sent_bytes == 1'000);
  CHECK(last.timer_lag == milliseconds(4));
  CHECK(last.timers_late == milliseconds(6));
  // In less than a thousand seconds.
  CHECK(samples.front().system_cpu_cores.value_or(0) > 1);
  CHECK(sampler.stop().empty());
}

TEST_CASE("sampler: a depth that could not be told is as it was") {
  Watched watched;
  std::atomic<int> seen{0};
  Sampler sampler(watched.journal, watched.eyes(), [&] { ++seen; });
  while (seen < 2) std::this_thread::yield();
  const std::vector<Sample> samples = sampler.stop();
  REQUIRE(samples.size() > 2);
  for (const Sample& sample : samples) {
    CHECK(sample.queue_depth == 5);
    CHECK(sample.working == 2);
  }
}

TEST_CASE("sampler: of a system that cannot be seen there are no figures instead of zeros") {
  Watched watched;
  watched.is_seen = false;
  Sampler sampler(watched.journal, watched.eyes(), [] {});
  const std::vector<Sample> samples = sampler.stop();
  REQUIRE_FALSE(samples.empty());
  CHECK_FALSE(samples.back().system_cpu_cores.has_value());
  CHECK_FALSE(samples.back().system_memory.has_value());
  CHECK_FALSE(samples.back().system_descriptors.has_value());
  CHECK(samples.back().connections == 3);
}

TEST_CASE("sampler: the machine's time is what was used and stolen and idle") {
  const MachineTimes times = machine_times();
  CHECK(times.busy_s > 0);
  CHECK(times.busy_s + times.stolen_s <= times.all_s);
}

}  // namespace
}  // namespace penstock
