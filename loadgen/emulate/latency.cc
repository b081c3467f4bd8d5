#include "loadgen/emulate/latency.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include "loadgen/emulate/uniform.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds latency_max = std::chrono::hours(1);

std::optional<Duration> parse_time(std::string_view words) {
  double number = 0;
  const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(words.data() + words.size() - end));
  if (unit != "ms" && unit != "s") return std::nullopt;
  const Seconds time(unit == "s" ? number : number / 1'000);
  // Not a number is in no range.
  if (!(time >= Seconds(0) && time <= latency_max)) return std::nullopt;
  return std::chrono::round<Duration>(time);
}

}  // namespace

Result<LatencyRange> parse_latency(std::string_view words) {
  const std::size_t dash = words.find('-');
  const std::optional<Duration> min = parse_time(words.substr(0, dash));
  const std::optional<Duration> max =
      dash == std::string_view::npos ? min : parse_time(words.substr(dash + 1));
  if (!min || !max || *max < *min)
    return permanent_error("not a latency: " + std::string(words) +
                           "; write it as 20ms, or from least to most as 50ms-1.5s");
  return LatencyRange{*min, *max};
}

Duration LatencyDraws::next() {
  const double u = uniform(random_);
  return range_.min + std::chrono::floor<Duration>((range_.max - range_.min) * (u * u * u * u));
}

}  // namespace penstock
