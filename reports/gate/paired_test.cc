#include "reports/gate/paired_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace penstock {
namespace {

// Twice the rank of each size among all sizes, so that shared ranks are whole; without those of
// zeros.
std::vector<std::size_t> doubled_ranks(std::span<const double> differences) {
  std::vector<double> sizes;
  sizes.reserve(differences.size());
  for (const double difference : differences) sizes.push_back(std::abs(difference));
  std::ranges::sort(sizes);
  std::vector<std::size_t> ranks;
  for (const double difference : differences) {
    if (difference == 0) continue;
    const auto same = std::ranges::equal_range(sizes, std::abs(difference));
    const auto before = static_cast<std::size_t>(same.begin() - sizes.begin());
    ranks.push_back(2 * before + same.size() + 1);
  }
  return ranks;
}

// How likely each sum is, if each rank is in it by a coin.
std::vector<double> chances_of_sums(const std::vector<std::size_t>& ranks) {
  std::vector<double> chances = {1};
  for (const std::size_t rank : ranks) {
    std::vector<double> next(chances.size() + rank, 0);
    for (std::size_t sum = 0; sum < chances.size(); ++sum) {
      next[sum] += chances[sum] / 2;
      next[sum + rank] += chances[sum] / 2;
    }
    chances = std::move(next);
  }
  return chances;
}

// How many of the Walsh averages are beyond an end of the interval. Absent: there is no such end.
std::optional<std::size_t> averages_beyond(std::size_t pairs, double chance_of_error) {
  std::vector<std::size_t> ranks(pairs);
  std::iota(ranks.begin(), ranks.end(), 1);
  const std::vector<double> chances = chances_of_sums(ranks);
  double tail = 0;
  std::size_t beyond = 0;
  while (beyond < chances.size() && (tail += chances[beyond]) <= chance_of_error) ++beyond;
  return beyond > 0 ? std::optional(beyond - 1) : std::nullopt;
}

}  // namespace

double log_ratio(double baseline, double candidate) {
  static const double most = std::log(1'000);
  if (baseline <= 0 && candidate <= 0) return 0;
  if (baseline <= 0) return most;
  if (candidate <= 0) return -most;
  return std::clamp(std::log(candidate / baseline), -most, most);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

Tails signed_rank_tails(std::span<const double> differences) {
  const std::vector<std::size_t> ranks = doubled_ranks(differences);
  std::size_t sum = 0, at = 0;
  for (const double difference : differences) {
    if (difference == 0) continue;
    if (difference > 0) sum += ranks[at];
    ++at;
  }
  const std::vector<double> chances = chances_of_sums(ranks);
  const auto here = chances.begin() + static_cast<std::ptrdiff_t>(sum);
  return {.up = std::accumulate(here, chances.end(), 0.0),
          .down = std::accumulate(chances.begin(), here + 1, 0.0)};
}

Shift shift_of(std::span<const double> differences, double chance_of_error) {
  std::vector<double> averages;
  averages.reserve(differences.size() * (differences.size() + 1) / 2);
  for (std::size_t i = 0; i < differences.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j) averages.push_back((differences[i] + differences[j]) / 2);
  std::ranges::sort(averages);
  const std::size_t count = averages.size();
  Shift shift{
      .value = (averages[(count - 1) / 2] + averages[count / 2]) / 2, .low = {}, .high = {}};
  if (const auto beyond = averages_beyond(differences.size(), chance_of_error)) {
    shift.low = averages[*beyond];
    shift.high = averages[count - 1 - *beyond];
  }
  return shift;
}

std::uint64_t pairs_for(double chance) {
  return static_cast<std::uint64_t>(std::ceil(-std::log2(chance)));
}

}  // namespace penstock
