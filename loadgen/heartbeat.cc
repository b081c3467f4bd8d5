#include "loadgen/heartbeat.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

constexpr std::chrono::milliseconds interval{10};

}  // namespace

Heartbeat::Heartbeat() : thread_([this] { beat(); }) {}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

Heartbeat::Lateness Heartbeat::lateness() {
  const std::lock_guard lock(mutex_);
  return std::exchange(lateness_, {});
}

void Heartbeat::beat() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto due = std::chrono::steady_clock::now() + interval;
    if (stop_.wait_until(lock, due, [this] { return stopping_; })) return;
    const Offset late = std::chrono::steady_clock::now() - due;
    lateness_.most = std::max(lateness_.most, late);
    lateness_.sum += late;
  }
}

}  // namespace penstock
