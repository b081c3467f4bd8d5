// How OpenAI tells a client about its limits: six headers on every answer, and what a 429 says.
#pragma once

#include <string>
#include <string_view>

#include "engine/http/http_headers.h"
#include "loadgen/emulate/api_error.h"
#include "loadgen/emulate/quota_enforcer.h"

namespace penstock {

// As Go writes one, to the millisecond and rounded up: "0s", "510ms", "8.64s", "6m0s", "1h0m0s".
std::string go_duration(Duration time);

// x-ratelimit-{limit,remaining,reset}-{requests,tokens}.
HttpHeaders rate_limit_headers(const QuotaDecision& decision);

// The error of status 429, with the time after which the request fits.
ApiError rate_limit_error(const QuotaRefusal& refusal, const QuotaDecision& decision,
                          std::string_view model);

// retry-after (seconds) and retry-after-ms, both rounded up.
void add_retry_after(HttpHeaders& headers, Duration wait);

}  // namespace penstock
