// The right to send an embedding request now. Embedded: no limit, or the token buckets of
// stages/throttle. Later: one budget shared by a fleet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "engine/core/error.h"
#include "engine/core/lane.h"
#include "engine/io/receipt.h"

namespace penstock {

// A granted request. Whoever holds it sends at once and settles it exactly once.
struct Grant {
  std::size_t key = 0;       // which API key to send with
  std::uint64_t ticket = 0;  // the quota's own
  std::uint64_t tokens = 0;  // what was reserved
};

// Whose fault a failed request is.
enum class Blame {
  request,   // the endpoint does well otherwise: the inputs count one failure
  endpoint,  // it fails others too, or the quota is to blame: try again, as often as it takes
};

class Quota {
 public:
  virtual ~Quota() = default;

  using Ready = std::function<void(Result<Grant>)>;

  // Reserves one request of `tokens` tokens. `ready` is called exactly once, on any thread,
  // possibly before reserve() returns, as soon as the request may be sent; it must not block. Its
  // error is `cancelled` once stop() was called or a budget is spent: the request is to be made
  // again in another run; else `permanent`: no request can be sent any more, and the message says
  // what to do. Any thread.
  virtual void reserve(std::uint64_t tokens, Lane lane, Ready ready) = 0;

  // How the request ended. Any thread.
  virtual Blame settle(const Grant& grant, const Receipt& receipt) = 0;

  // Refuses everything that waits and everything that comes, as cancelled. What was granted goes
  // on. Any thread.
  virtual void stop() = 0;
};

}  // namespace penstock
