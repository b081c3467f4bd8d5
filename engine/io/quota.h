// The right to send an embedding request now. Embedded: no limit. Later: requests and tokens per
// minute of each API key, shared by a fleet.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/core/error.h"

namespace penstock {

class Quota {
 public:
  virtual ~Quota() = default;

  using Ready = std::function<void(Result<void>)>;

  // Reserves one request of `tokens` tokens. `ready` is called exactly once, on any thread,
  // possibly before reserve() returns, as soon as the request may be sent. Any thread.
  virtual void reserve(std::uint64_t tokens, Ready ready) = 0;
};

}  // namespace penstock
