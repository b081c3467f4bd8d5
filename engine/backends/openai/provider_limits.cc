#include "engine/backends/openai/provider_limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace penstock {
namespace {

// A billion tokens a second: what is more is not a quota.
constexpr std::uint64_t per_minute_max = 60'000'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<std::uint64_t> count_in(const HttpHeaders& headers, std::string_view name) {
  const std::optional<std::string_view> text = headers.find(name);
  if (!text) return std::nullopt;
  std::uint64_t count = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, count);
  if (error != std::errc{} || at != end || count > per_minute_max) return std::nullopt;
  return count;
}

std::optional<std::uint64_t> limit_in(const HttpHeaders& headers, std::string_view name) {
  const std::optional<std::uint64_t> limit = count_in(headers, name);
  return limit == 0 ? std::nullopt : limit;
}

// Digits with or without a fraction, taken off the front; no sign, no exponent.
std::optional<double> take_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  if (length == 0) return std::nullopt;
  if (length + 1 < text.size() && text[length] == '.' && is_digit(text[length + 1])) {
    ++length;
    while (length < text.size() && is_digit(text[length])) ++length;
  }
  double number = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + length, number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

// Before the conversion, so that nothing overflows.
Duration clamped(double seconds) {
  const std::chrono::duration<double> max = retry_after_max;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(seconds, max.count())));
}

std::optional<double> take_unit(std::string_view& text) {
  constexpr std::array<std::pair<std::string_view, double>, 8> units = {{{"ms", 1e-3},
                                                                         {"us", 1e-6},
                                                                         {"µs", 1e-6},  // U+00B5
                                                                         {"μs", 1e-6},  // U+03BC
                                                                         {"ns", 1e-9},
                                                                         {"h", 3600},
                                                                         {"m", 60},
                                                                         {"s", 1}}};
  for (const auto& [name, seconds] : units) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return seconds;
  }
  return std::nullopt;
}

// The longest duration at the front, taken off it.
std::optional<Duration> take_go_duration(std::string_view& text) {
  double seconds = 0;
  bool any = false;
  for (;;) {
    std::string_view rest = text;
    const std::optional<double> number = take_number(rest);
    if (!number) break;
    const std::optional<double> unit = take_unit(rest);
    if (!unit) break;
    seconds += *number * *unit;
    text = rest;
    any = true;
  }
  if (!any) return std::nullopt;
  return clamped(seconds);
}

// Digits of a fixed width at the front.
std::optional<unsigned> digits_at(std::string_view text, std::size_t at, std::size_t width) {
  unsigned number = 0;
  for (const char c : text.substr(at, width)) {
    if (!is_digit(c)) return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the only form that may be sent today (RFC 9110, 5.6.7).
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT") || text[3] != ',' || text[19] != ':' ||
      text[22] != ':')
    return std::nullopt;
  const std::size_t month = months.find(text.substr(8, 3));
  const auto day = digits_at(text, 5, 2);
  const auto year = digits_at(text, 12, 4);
  const auto hour = digits_at(text, 17, 2);
  const auto minute = digits_at(text, 20, 2);
  const auto second = digits_at(text, 23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !hour || !minute ||
      !second)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month) / 3 + 1),
                                         std::chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::optional<Duration> number_of(std::string_view text, double unit_seconds) {
  const std::optional<double> number = take_number(text);
  if (!number || !text.empty()) return std::nullopt;
  return clamped(*number * unit_seconds);
}

std::optional<Duration> retry_after_in(const HttpHeaders& headers, std::time_t now) {
  if (const auto text = headers.find("retry-after-ms"))
    if (const auto wait = number_of(*text, 1e-3)) return wait;
  const std::optional<std::string_view> text = headers.find("retry-after");
  if (!text) return std::nullopt;
  if (const auto wait = number_of(*text, 1)) return wait;
  const std::optional<std::chrono::sys_seconds> date = parse_http_date(*text);
  if (!date) return std::nullopt;
  const auto wait = *date - std::chrono::sys_seconds(std::chrono::seconds(now));
  return clamped(std::max(0.0, std::chrono::duration<double>(wait).count()));
}

std::optional<Duration> retry_after_in(std::string_view error_message) {
  constexpr std::string_view phrase = "try again in ";
  const std::size_t at = error_message.find(phrase);
  if (at == std::string_view::npos) return std::nullopt;
  error_message.remove_prefix(at + phrase.size());
  return take_go_duration(error_message);
}

std::optional<Duration> reset_in(const HttpHeaders& headers, const ProviderLimits& limits) {
  std::optional<Duration> wait;
  const auto consider = [&](std::optional<std::uint64_t> left, std::string_view name) {
    const std::optional<std::string_view> text = headers.find(name);
    if (left != 0u || !text) return;
    if (const auto reset = parse_go_duration(*text))
      wait = std::max(wait.value_or(Duration{0}), *reset);
  };
  consider(limits.requests_left, "x-ratelimit-reset-requests");
  consider(limits.tokens_left, "x-ratelimit-reset-tokens");
  return wait;
}

}  // namespace

std::optional<Duration> parse_go_duration(std::string_view text) {
  const std::optional<Duration> duration = take_go_duration(text);
  return text.empty() ? duration : std::nullopt;
}

ProviderLimits read_provider_limits(int status, const HttpHeaders& headers,
                                    std::string_view error_message, std::time_t now) {
  ProviderLimits limits;
  limits.requests_per_minute = limit_in(headers, "x-ratelimit-limit-requests");
  limits.tokens_per_minute = limit_in(headers, "x-ratelimit-limit-tokens");
  limits.requests_left = count_in(headers, "x-ratelimit-remaining-requests");
  limits.tokens_left = count_in(headers, "x-ratelimit-remaining-tokens");
  if (status / 100 == 2) return limits;
  limits.retry_after = retry_after_in(headers, now);
  if (status != 429) return limits;
  if (!limits.retry_after) limits.retry_after = retry_after_in(error_message);
  if (!limits.retry_after) limits.retry_after = reset_in(headers, limits);
  return limits;
}

}  // namespace penstock
