// What an embedding service says of a key's limits: OpenAI's headers and the message of its 429.
#pragma once

#include <ctime>
#include <optional>
#include <string_view>

#include "engine/core/clock.h"
#include "engine/http/http_headers.h"
#include "engine/io/receipt.h"

namespace penstock {

// No wait is longer. A day's quota may ask for more, but quotas are raised and clocks are wrong,
// and one refused request an hour costs nothing.
inline constexpr Duration retry_after_max = std::chrono::hours(1);

// Numbers that make no sense (negative, zero as a limit, beyond any quota) count as not said. How
// long to wait is read off an answer that is no success: retry-after-ms, Retry-After, then, of a
// 429, what `error_message` says ("try again in 510ms"), then the time to the reset of what has
// nothing left. The reset comes last, because it says when all of the quota is back. `now` is what
// an HTTP date is compared with.
ProviderLimits read_provider_limits(int status, const HttpHeaders& headers,
                                    std::string_view error_message, std::time_t now);

// "6m0s", "1h2m3.5s", "120ms" as Go writes them, at most retry_after_max; absent if `text` is
// anything else.
std::optional<Duration> parse_go_duration(std::string_view text);

}  // namespace penstock
