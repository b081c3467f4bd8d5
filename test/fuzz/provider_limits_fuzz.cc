// Anything as the headers and the error of a service: waits are bounded, messages are one short
// line of UTF-8 without a secret.
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/backends/openai/provider_limits.h"
#include "engine/http/provider_error.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, 8> names = {"x-ratelimit-limit-requests",
                                                   "x-ratelimit-limit-tokens",
                                                   "x-ratelimit-remaining-requests",
                                                   "x-ratelimit-remaining-tokens",
                                                   "x-ratelimit-reset-requests",
                                                   "x-ratelimit-reset-tokens",
                                                   "retry-after",
                                                   "retry-after-ms"};

void check_wait(const std::optional<Duration>& wait) {
  REQUIRE(!wait || (*wait >= Duration{0} && *wait <= retry_after_max));
}

void check_message(std::string_view text) {
  constexpr std::string_view secret = "hunter2";
  const std::string shown = presentable(text, {secret});
  REQUIRE(shown.size() <= 300);
  REQUIRE(shown.find(secret) == std::string::npos);
  REQUIRE(std::ranges::none_of(shown, [](unsigned char c) { return c < ' ' || c == 0x7F; }));
  if (simdjson::validate_utf8(text.data(), text.size()))
    REQUIRE(simdjson::validate_utf8(shown.data(), shown.size()));
}

// A line a header, the last one the body.
void check_answer(std::string_view bytes) {
  HttpHeaders headers;
  for (const std::string_view name : names) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    headers.add(std::string(name), std::string(bytes.substr(0, end)));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  const ProviderError error = read_provider_error(std::string(bytes));
  const ProviderLimits limits = read_provider_limits(429, headers, error.message, 784'111'777);
  check_wait(limits.retry_after);
  REQUIRE(limits.requests_per_minute != 0U);
  REQUIRE(limits.tokens_per_minute != 0U);
  check_message(error.message);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  penstock::check_wait(penstock::parse_go_duration(bytes));
  penstock::check_answer(bytes);
  penstock::check_message(bytes);
  return 0;
}
