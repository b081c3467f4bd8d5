#include "engine/stages/throttle/breaker.h"

#include <cassert>
#include <chrono>

namespace penstock {
namespace {

constexpr std::uint32_t failures_to_open = 5;
constexpr Duration first_wait = std::chrono::seconds(1);
constexpr Duration longest_wait = std::chrono::seconds(30);
// Half of each wait is certain: a probe at once would only find what is known.
constexpr double jitter = 0.5;

}  // namespace

Breaker::Breaker(Duration patience, std::uint64_t seed)
    : patience_(patience), backoff_(first_wait, longest_wait, jitter, seed) {}

Blame Breaker::answered(Answer answer, TimePoint now) {
  switch (answer) {
    case Answer::embedded:
      // A good probe does not end the backoff: where only tiny requests succeed, the waits between
      // attempts keep growing.
      backoff_.reset();
      last_succeeded_ = true;
      failures_in_row_ = 0;
      if (!is_open()) failing_since_.reset();
      return Blame::request;
    case Answer::failed: {
      const Blame blame = last_succeeded_ ? Blame::request : Blame::endpoint;
      last_succeeded_ = false;
      if (is_open()) return Blame::endpoint;
      if (!failing_since_) failing_since_ = now;
      if (++failures_in_row_ >= failures_to_open) open(now);
      return blame;
    }
    case Answer::refused_input:
      failures_in_row_ = 0;
      return Blame::request;
    case Answer::nonsense:
      return Blame::request;
    case Answer::rate_limited:
    case Answer::key_refused:
    case Answer::misconfigured:
      failures_in_row_ = 0;
      return Blame::endpoint;
  }
  return Blame::endpoint;
}

void Breaker::probed(Answer answer, TimePoint now) {
  assert(is_probing_);
  is_probing_ = false;
  if (answer == Answer::failed || answer == Answer::nonsense) {
    open(now);
    return;
  }
  probe_at_.reset();
  failures_in_row_ = 0;
  failing_since_.reset();
  last_succeeded_ = true;
}

void Breaker::probe_sent() {
  probe_at_.reset();
  is_probing_ = true;
}

std::optional<TimePoint> Breaker::gives_up_at() const {
  if (!is_open() || !failing_since_) return std::nullopt;
  return *failing_since_ + patience_;
}

void Breaker::open(TimePoint now) {
  probe_at_ = now + backoff_.next();
}

}  // namespace penstock
