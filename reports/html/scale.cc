#include "reports/html/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"

namespace penstock::html {
namespace {

// The smallest of 1, 2 and 5 times a power of ten that is not below.
double round_up(double step) {
  const double power = std::pow(10, std::floor(std::log10(step)));
  for (const double times : {1.0, 2.0, 5.0})
    if (step <= times * power * 1.0001) return times * power;
  return 10 * power;
}

std::vector<double> multiples(double step, double low, double high) {
  std::vector<double> values;
  // Never -0.
  for (double i = std::ceil(low / step - 1e-9) + 0.0; i * step <= high * (1 + 1e-9); ++i)
    values.push_back(i * step);
  return values;
}

}  // namespace

Scale Scale::linear(double low, double high) {
  return {low, high > low ? high : low + 1, false};
}

Scale Scale::logarithmic(double low, double high) {
  return {low, std::max(high, low * 2), true};
}

double Scale::place(double value) const {
  const double part = is_log_ ? std::log(std::max(value, low_) / low_) / std::log(high_ / low_)
                              : (value - low_) / (high_ - low_);
  return std::clamp(part, 0.0, 1.0);
}

std::vector<double> Scale::ticks(int wanted) const {
  if (!is_log_) return multiples(round_up((high_ - low_) / wanted), low_, high_);
  std::vector<double> values;
  const bool is_wide = high_ / low_ > 2'000;
  for (double power = std::pow(10, std::floor(std::log10(low_))); power <= high_; power *= 10)
    for (const double times : {1.0, 2.0, 5.0})
      if (const double value = times * power;
          (times == 1 || !is_wide) && value >= low_ * 0.999 && value <= high_ * 1.001)
        values.push_back(value);
  return values;
}

Scale from_zero(double most) {
  return Scale::linear(0, most > 0 ? 1.08 * most : 1);
}

Scale of_rates(double typical, double most) {
  return most <= 25 * typical || typical <= 0 ? from_zero(most)
                                              : Scale::logarithmic(typical / 20, most * 1.3);
}

Scale of_latencies(double least, double most) {
  if (least <= 0 || most <= 12 * least) return from_zero(most);
  return Scale::logarithmic(least / 1.3, most * 1.3);
}

std::vector<Tick> labelled(const std::vector<double>& values,
                           const std::function<std::string(double)>& label) {
  std::vector<Tick> ticks;
  ticks.reserve(values.size());
  for (const double value : values) ticks.push_back({value, label(value)});
  return ticks;
}

std::vector<Tick> clock_ticks(const Scale& scale) {
  const double wanted = (scale.high() - scale.low()) / 7;
  double step = round_up(wanted);
  // Of minutes and hours other numbers are round.
  for (const double seconds : {15, 30, 60, 120, 300, 600, 900, 1'800, 3'600, 7'200, 14'400, 21'600})
    if (wanted > 10 && wanted <= seconds) {
      step = seconds;
      break;
    }
  const bool is_short = scale.high() < 100;
  return labelled(multiples(step, scale.low(), scale.high()), [&](double seconds) {
    return is_short ? fmt::format("{:.4g} s", seconds) : clock_text(seconds);
  });
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 3'600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3'600, whole / 60 % 60, whole % 60);
}

std::string amount_tick(double amount) {
  if (amount < 1'000) return fmt::format("{:.4g}", amount);
  if (amount < 10'000) return with_commas(static_cast<std::uint64_t>(std::llround(amount)));
  return amount < 1e6 ? fmt::format("{:.4g} k", amount / 1e3)
                      : fmt::format("{:.4g} M", amount / 1e6);
}

std::string size_tick(double megabytes) {
  if (megabytes == 0) return "0";
  return megabytes < 0.9999 ? fmt::format("{:.4g} kB", 1e3 * megabytes)
                            : fmt::format("{:.4g} MB", megabytes);
}

std::string latency_tick(double seconds) {
  if (seconds == 0) return "0";
  if (seconds < 0.0999) return fmt::format("{:.4g} ms", 1e3 * seconds);
  if (seconds < 299) return fmt::format("{:.4g} s", seconds);
  return fmt::format("{:.4g} min", seconds / 60);
}

}  // namespace penstock::html
