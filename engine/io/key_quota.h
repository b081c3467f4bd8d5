// What an API key may be used for, and how a minute of it is counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/core/clock.h"

namespace penstock {

// An API key's limits, as configured. They are ceilings: a provider that says less is obeyed, one
// that says more is not. 0: not known, the provider says.
struct KeyQuota {
  std::string name;  // for messages; never the secret
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
};

inline constexpr Duration limit_window = std::chrono::seconds(60);
// Most by which a request may overtake another between its grant and the provider's counter.
inline constexpr Duration window_margin = std::chrono::milliseconds(100);
// A pace that fell behind catches up so much at once.
inline constexpr Duration burst_max = std::chrono::seconds(5);

}  // namespace penstock
