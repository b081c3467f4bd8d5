// Looks twice a second at the system and at the generator itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/core/process_usage.h"
#include "loadgen/destination.h"
#include "loadgen/journal.h"

namespace penstock {

// What waits and what is worked on, of the system.
struct Depth {
  std::uint64_t waiting = 0;
  std::uint64_t working = 0;
};

struct GeneratorUsage {
  std::chrono::duration<double> cpu{0};
  std::optional<std::uint64_t> memory_bytes;  // absent: not to be told from the system's
  std::uint64_t descriptors = 0;
};

struct SamplerEyes {
  std::function<std::optional<ProcessUsage>()> system;  // absent: not to be seen
  std::function<GeneratorUsage()> generator;
  std::function<std::optional<Depth>()> depth;  // absent: as it was
  std::function<Destination::State()> destination;
};

// The machine's processors since it was started, of all of them together.
struct MachineTimes {
  double busy_s = 0;
  double stolen_s = 0;  // taken by the machine's host
  double all_s = 0;
};
MachineTimes machine_times();

class Sampler {
 public:
  // `journal` and what the eyes look at outlive it. `seen` is called after each look.
  Sampler(const Journal& journal, SamplerEyes eyes, std::function<void()> seen);
  ~Sampler() { stop(); }
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Looks a last time. The samples, once.
  std::vector<Sample> stop();

 private:
  struct Look {
    Offset at{0};
    GeneratorUsage generator;
    std::optional<ProcessUsage> system;
    MachineTimes machine;
  };
  Look look() const;
  void look_until_stopped();
  void sample();

  const Journal& journal_;
  const SamplerEyes eyes_;
  const std::function<void()> seen_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  // Of the thread.
  Look before_;
  Depth depth_;
  std::vector<Sample> samples_;
  std::thread thread_;
};

}  // namespace penstock
