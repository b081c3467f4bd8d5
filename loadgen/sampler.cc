#include "loadgen/sampler.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <utility>

namespace penstock {
namespace {

constexpr std::chrono::milliseconds interval{500};

}  // namespace

MachineTimes machine_times() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  // user nice system idle iowait irq softirq steal (proc(5))
  std::array<double, 8> ticks{};
  file >> cpu;
  for (double& each : ticks) file >> each;
  const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  MachineTimes times;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double seconds = ticks[i] / per_second;
    times.all_s += seconds;
    const bool is_idle = i == 3 || i == 4;
    const bool is_stolen = i == 7;
    if (is_stolen) times.stolen_s = seconds;
    if (!is_idle && !is_stolen) times.busy_s += seconds;
  }
  return times;
}

Sampler::Sampler(const Journal& journal, SamplerEyes eyes, std::function<void()> seen)
    : journal_(journal), eyes_(std::move(eyes)), seen_(std::move(seen)), before_(look()) {
  thread_ = std::thread([this] { look_until_stopped(); });
}

std::vector<Sample> Sampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  if (thread_.joinable()) thread_.join();
  return std::exchange(samples_, {});
}

void Sampler::look_until_stopped() {
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      stopping = stop_.wait_for(lock, interval, [this] { return stopping_; });
    }
    sample();
    seen_();
  }
}

Sampler::Look Sampler::look() const {
  return {journal_.now(), eyes_.generator(), eyes_.system(), machine_times()};
}

void Sampler::sample() {
  if (const std::optional<Depth> depth = eyes_.depth()) depth_ = *depth;
  Look now = look();
  const double seconds = std::chrono::duration<double>(now.at - before_.at).count();
  const auto a_second = [&](double before, double after) {
    return seconds > 0 ? std::max(0.0, after - before) / seconds : 0;
  };
  Sample sample;
  sample.at = now.at;
  if (now.system) {
    if (before_.system)
      sample.system_cpu_cores = a_second(before_.system->cpu.count(), now.system->cpu.count());
    sample.system_memory = now.system->memory_bytes;
    sample.system_descriptors = now.system->descriptors;
  }
  sample.queue_depth = depth_.waiting;
  sample.working = depth_.working;
  const Journal::Counts counts = journal_.counts();
  sample.accepted = counts.accepted;
  sample.done = counts.ended;
  sample.generator_cpu_cores = a_second(before_.generator.cpu.count(), now.generator.cpu.count());
  sample.generator_memory = now.generator.memory_bytes;
  sample.generator_descriptors = now.generator.descriptors;
  const Destination::State state = eyes_.destination();
  sample.connections = state.connections;
  sample.timer_lag = state.timer_lag;
  sample.timers_late = state.timers_late;
  sample.sent_bytes = state.sent_bytes;
  const double all = now.machine.all_s - before_.machine.all_s;
  sample.steal = all > 0 ? (now.machine.stolen_s - before_.machine.stolen_s) / all : 0;
  sample.machine_cpu_cores = a_second(before_.machine.busy_s, now.machine.busy_s);
  samples_.push_back(sample);
  before_ = now;
}

}  // namespace penstock
