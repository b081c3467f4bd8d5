// A service behind a Dispatch, in simulated time: whatever is granted is answered after a latency.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <queue>
#include <vector>

#include "engine/stages/throttle/dispatch.h"
#include "test/support/catch.h"

namespace penstock {

struct Arrival {
  TimePoint at;
  std::uint64_t amount = 0;
};

// The most in any 60 seconds, wherever they begin (half open). A window that holds most can be
// moved to begin at an arrival.
inline std::uint64_t most_in_a_minute(std::vector<Arrival> arrivals) {
  std::sort(arrivals.begin(), arrivals.end(),
            [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  std::size_t end = 0;
  for (const Arrival& first : arrivals) {
    while (end < arrivals.size() && arrivals[end].at < first.at + std::chrono::minutes(1)) {
      sum += arrivals[end++].amount;
    }
    most = std::max(most, sum);
    sum -= first.amount;
  }
  return most;
}

class SimulatedService {
 public:
  struct Reply {
    Receipt receipt;
    Duration latency{0};
  };
  struct Sent {
    TimePoint at;
    std::uint64_t request = 0;  // as submit() named it
    Grant grant;
  };
  using Answering = std::function<Reply(const Sent&)>;

  SimulatedService(const std::vector<KeyQuota>& keys, const ThrottleOptions& options,
                   Answering answer)
      : dispatch(keys, options), answer_(std::move(answer)) {}

  std::uint64_t submit(std::uint64_t tokens, Lane lane = Lane::bulk) {
    const std::uint64_t request = dispatch.submit(tokens, lane);
    step();
    return request;
  }

  void stop() {
    dispatch.stop();
    step();
  }

  // Everything that happens before `until`, and up to it.
  void run_until(TimePoint until) {
    for (;;) {
      TimePoint next = until;
      if (!answers_.empty()) next = std::min(next, answers_.top().at);
      if (const std::optional<TimePoint> wake = dispatch.next_wake()) {
        REQUIRE(*wake > now);
        next = std::min(next, *wake);
      }
      now = next;
      if (!answers_.empty() && answers_.top().at <= now) {
        const Pending pending = answers_.top();
        answers_.pop();
        if (pending.is_probe) {
          dispatch.settle_probe(pending.receipt, now);
        } else {
          const Blame blame = dispatch.settle(pending.sent.grant, pending.receipt, now);
          if (settled) settled(pending.sent, pending.receipt, blame);
        }
      } else if (now == until) {
        step();
        return;
      }
      step();
    }
  }
  void run_for(Duration span) { run_until(now + span); }

  // What was sent with a key: tokens, or requests.
  std::vector<Arrival> tokens_of(std::size_t key) const {
    std::vector<Arrival> arrivals;
    for (const Sent& one : sent) {
      if (one.grant.key == key) arrivals.push_back({one.at, one.grant.tokens});
    }
    return arrivals;
  }
  std::vector<Arrival> requests_of(std::size_t key) const {
    std::vector<Arrival> arrivals = tokens_of(key);
    for (Arrival& arrival : arrivals) arrival.amount = 1;
    return arrivals;
  }

  Dispatch dispatch;
  TimePoint now{std::chrono::hours(1)};
  std::vector<Sent> sent;
  std::map<std::uint64_t, Error> refused;  // by request
  std::vector<TimePoint> probes;
  // Called with every answer; may submit.
  std::function<void(const Sent&, const Receipt&, Blame)> settled;
  // What probes are answered.
  Reply probe_reply;

 private:
  struct Pending {
    TimePoint at;
    Sent sent;
    Receipt receipt;
    bool is_probe = false;
    bool operator<(const Pending& other) const { return at > other.at; }  // earliest on top
  };

  void step() {
    const Dispatch::Step step = dispatch.advance(now);
    for (const Dispatch::Decision& decision : step.decisions) {
      if (!decision.grant) {
        refused.emplace(decision.request, decision.grant.error());
        continue;
      }
      sent.push_back({now, decision.request, *decision.grant});
      const Reply reply = answer_(sent.back());
      answers_.push({now + reply.latency, sent.back(), reply.receipt});
    }
    if (step.probe_key) {
      probes.push_back(now);
      answers_.push({now + probe_reply.latency, {}, probe_reply.receipt, true});
    }
  }

  const Answering answer_;
  std::priority_queue<Pending> answers_;
};

}  // namespace penstock
