// What a provider does with the quotas of its keys, and an account of what the client did with
// them. Knows no clock: every question comes with its time.
//
// A request is admitted if the key's bucket of requests holds one and its bucket of tokens holds
// its tokens; then both are taken. A request that is refused takes a request if there is one, since
// OpenAI counts failed requests, and no tokens, else a client that waits as long as it was told
// would be refused again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/clock.h"
#include "loadgen/emulate/refill_bucket.h"
#include "loadgen/emulate/sliding_minute.h"

namespace penstock {

struct KeyLimits {
  std::uint64_t requests_per_minute = 3'000;
  std::uint64_t tokens_per_minute = 90'000;
};

enum class QuotaKind { requests, tokens };

struct QuotaRefusal {
  QuotaKind kind = QuotaKind::tokens;
  std::uint64_t used = 0;  // of the limit, at the moment
  std::uint64_t requested = 0;
  std::optional<Duration> retry_after;  // absent: it exceeds the limit itself and never fits
};

// One of a key's two quotas after a decision.
struct QuotaLevel {
  std::uint64_t limit = 0;
  std::uint64_t left = 0;
  Duration full_after{};
};

struct QuotaDecision {
  std::optional<QuotaRefusal> refusal;
  QuotaLevel requests;
  QuotaLevel tokens;
};

// What was admitted in one second.
struct QuotaSecond {
  std::int64_t second = 0;  // since the first request of all keys
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;
};

// What a key was used for since the last reset.
struct QuotaUse {
  std::uint64_t asked = 0;       // requests, the refused ones with them
  std::uint64_t requests = 0;    // admitted
  std::uint64_t tokens = 0;      // admitted
  std::uint64_t violations = 0;  // requests refused
  // Admitted more than a minute after the first request of all keys, when what a full bucket gave
  // on top of the limit lies behind.
  std::uint64_t steady_tokens = 0;
  // The most by which any 60 seconds of what was asked for, admitted or not, exceeded the limit.
  std::uint64_t overshoot_requests_max = 0;
  std::uint64_t overshoot_tokens_max = 0;
};

// One thread; times never go back.
class QuotaEnforcer {
 public:
  // Returns the key's index: 0, 1, ...
  std::size_t add_key(KeyLimits limits);

  // A request of so many tokens has arrived whole.
  QuotaDecision ask(std::size_t key, std::uint64_t tokens, TimePoint now);

  std::size_t keys() const { return keys_.size(); }
  const KeyLimits& limits(std::size_t key) const { return keys_[key].limits; }
  QuotaUse use(std::size_t key) const;
  // Of the last 24 hours, ascending; seconds without a request are left out.
  const std::deque<QuotaSecond>& history(std::size_t key) const { return keys_[key].history; }
  // From the first request of all keys to the last, admitted or not; zero before there were two.
  Duration span() const;

  // Begins all accounts anew. What is left in the buckets stays as it is.
  void reset();

 private:
  struct Key {
    explicit Key(KeyLimits of)
        : limits(of),
          request_bucket(of.requests_per_minute),
          token_bucket(of.tokens_per_minute),
          request_window(of.requests_per_minute),
          token_window(of.tokens_per_minute) {}

    KeyLimits limits;
    RefillBucket request_bucket;
    RefillBucket token_bucket;
    SlidingMinute request_window;
    SlidingMinute token_window;
    QuotaUse use;
    std::deque<QuotaSecond> history;
  };

  static std::optional<QuotaRefusal> decide(Key& key, std::uint64_t tokens, TimePoint now);
  void record(Key& key, std::uint64_t tokens, TimePoint now) const;

  std::vector<Key> keys_;
  std::optional<TimePoint> first_;  // request, since the last reset
  TimePoint last_{};
};

}  // namespace penstock
