#include "loadgen/emulate/rate_limit_answer.h"

#include <fmt/format.h>

#include <chrono>

namespace penstock {

std::string go_duration(Duration time) {
  const std::int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  if (ms == 0) return "0s";
  if (ms < 1'000) return fmt::format("{}ms", ms);
  const std::int64_t hours = ms / 3'600'000;
  const std::int64_t minutes = ms / 60'000 % 60;
  std::string words;
  if (hours > 0) words += fmt::format("{}h", hours);
  if (ms >= 60'000) words += fmt::format("{}m", minutes);
  return words + fmt::format("{}s", static_cast<double>(ms % 60'000) / 1'000);
}

HttpHeaders rate_limit_headers(const QuotaDecision& decision) {
  return {{"x-ratelimit-limit-requests", std::to_string(decision.requests.limit)},
          {"x-ratelimit-limit-tokens", std::to_string(decision.tokens.limit)},
          {"x-ratelimit-remaining-requests", std::to_string(decision.requests.left)},
          {"x-ratelimit-remaining-tokens", std::to_string(decision.tokens.left)},
          {"x-ratelimit-reset-requests", go_duration(decision.requests.full_after)},
          {"x-ratelimit-reset-tokens", go_duration(decision.tokens.full_after)}};
}

ApiError rate_limit_error(const QuotaRefusal& refusal, const QuotaDecision& decision,
                          std::string_view model) {
  const bool tokens = refusal.kind == QuotaKind::tokens;
  const char* const quota = tokens ? "tokens per min (TPM)" : "requests per min (RPM)";
  const std::uint64_t limit = tokens ? decision.tokens.limit : decision.requests.limit;
  std::string message;
  if (refusal.retry_after) {
    message = fmt::format(
        "Rate limit reached for {} in organization org-emulated on {}: Limit {}, Used {}, "
        "Requested {}. Please try again in {}.",
        model, quota, limit, refusal.used, refusal.requested, go_duration(*refusal.retry_after));
  } else {
    message = fmt::format(
        "Request too large for {} in organization org-emulated on {}: Limit {}, Requested {}. The "
        "input or output tokens must be reduced in order to run successfully.",
        model, quota, limit, refusal.requested);
  }
  return {429, std::move(message), tokens ? "tokens" : "requests", std::nullopt,
          "rate_limit_exceeded"};
}

void add_retry_after(HttpHeaders& headers, Duration wait) {
  headers.add("retry-after", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
  headers.add("retry-after-ms",
              std::to_string(std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
}

}  // namespace penstock
