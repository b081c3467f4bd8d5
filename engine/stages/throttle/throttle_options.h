// What a throttle is told at its start.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/core/clock.h"
#include "engine/io/key_quota.h"

namespace penstock {

struct ThrottleOptions {
  std::string endpoint;  // for messages
  // Granted and not settled. More lets a slow endpoint's quota be used whole; but a grant beyond
  // what the client sends at once waits there, and arrives when it is not expected.
  std::size_t requests_in_flight_max = 64;
  // The part of every limit (0 to 1) that bulk requests leave alone, so that an interactive one
  // does not wait. It is lost where there are none.
  double interactive_share = 0;
  // Together, requests never cost more; then everything is refused as cancelled.
  std::optional<std::uint64_t> tokens_max;
  // For how long an endpoint may fail before everything is refused.
  Duration endpoint_patience = std::chrono::minutes(30);
  std::uint64_t probe_tokens = 8;  // what a probe costs at most
  std::uint64_t seed = 1;          // of jitter: processes that share a service differ in it
};

}  // namespace penstock
