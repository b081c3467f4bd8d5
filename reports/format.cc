#include "reports/format.h"

#include <fmt/format.h>

#include <cmath>

namespace penstock {

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1'000) return fmt::format("{} B", bytes);
  static constexpr const char* units[] = {"kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes) / 1e3;
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < std::size(units)) {
    value /= 1e3;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string human_tokens(std::uint64_t tokens) {
  if (tokens < 1'000) return std::to_string(tokens);
  if (tokens < 999'950) return fmt::format("{:.1f} k", static_cast<double>(tokens) / 1e3);
  return fmt::format("{:.1f} M", static_cast<double>(tokens) / 1e6);
}

std::string human_rate(double a_second) {
  if (a_second < 99.95) return fmt::format("{:.1f}", a_second);
  const auto whole = static_cast<std::uint64_t>(std::llround(a_second));
  return whole < 10'000 ? with_commas(whole) : human_tokens(whole);
}

std::string human_time(std::chrono::duration<double> time) {
  const double seconds = time.count();
  if (seconds < 9.95) return fmt::format("{:.2f} s", seconds);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string human_latency(std::chrono::duration<double> time) {
  const double milliseconds = 1e3 * time.count();
  if (milliseconds >= 99.5) return human_time(time);
  return fmt::format("{:.{}f} ms", milliseconds, milliseconds < 9.95 ? 1 : 0);
}

std::string human_amount(double amount) {
  return amount < 9.995 ? fmt::format("{:.2f}", amount) : human_rate(amount);
}

std::string human_cost(double cost) {
  return fmt::format("{:.{}f}", cost, cost < 1 ? 5 : 2);
}

std::string printable(std::string_view text) {
  std::string line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte < 0x20 || byte == 0x7F) line[i] = ' ';
    // U+0080 to U+009F, of which some terminals take U+009B for the beginning of a command.
    const auto next = static_cast<unsigned char>(i + 1 < line.size() ? line[i + 1] : 0);
    if (byte == 0xC2 && next >= 0x80 && next < 0xA0) line.replace(i, 2, " ");
  }
  return line;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", with_commas(number), noun, number == 1 ? "" : "s");
}

}  // namespace penstock
