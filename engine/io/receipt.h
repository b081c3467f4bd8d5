// How one embedding request ended, as the quota needs to know it: what it cost, and what the
// provider said about the limits.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/core/clock.h"

namespace penstock {

enum class Answer {
  embedded,       // the vectors are there
  refused_input,  // not these inputs: too many, too long, or not to its liking (400, 413, 422)
  rate_limited,   // not now: the key's quota is used up (429)
  failed,         // the endpoint failed: 5xx, no connection, a timeout, half a response
  nonsense,       // it answered, but not what was asked: wrong count, wrong dimension, no JSON
  key_refused,    // not with this key: unknown, forbidden, out of credit (401, 403)
  misconfigured,  // not at all: no such model or address, an untrusted certificate
};

// What the provider says of a key's limits and of what is left of them now; absent: nothing.
struct ProviderLimits {
  std::optional<std::uint64_t> requests_per_minute;
  std::optional<std::uint64_t> tokens_per_minute;
  std::optional<std::uint64_t> requests_left;
  std::optional<std::uint64_t> tokens_left;
  std::optional<Duration> retry_after;  // send nothing before it has passed
};

struct Receipt {
  Answer answer = Answer::embedded;
  // As the provider counted the request's tokens; absent: it did not say.
  std::optional<std::uint64_t> tokens;
  ProviderLimits limits;
  // When the request had left this machine; absent: not known. On a busy machine that is later than
  // when it was granted.
  std::optional<TimePoint> sent_at;
};

}  // namespace penstock
