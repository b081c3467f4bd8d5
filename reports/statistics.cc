#include "reports/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <numeric>

namespace penstock {
namespace {

constexpr double chance_of_error = 1 - confidence;

// The smallest number in [low, high) for which `holds`, that does from there on; `high` if none.
template <typename Condition>
std::uint64_t first(std::uint64_t low, std::uint64_t high, Condition holds) {
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (holds(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

bool is_kept(std::uint64_t documents, std::uint64_t misses, double fraction) {
  return chance_of_at_most(misses, documents, 1 - fraction) < chance_of_error;
}

bool is_missed(std::uint64_t documents, std::uint64_t misses, double fraction) {
  return misses > 0 && 1 - chance_of_at_most(misses - 1, documents, 1 - fraction) < chance_of_error;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace

double chance_of_at_most(std::uint64_t misses, std::uint64_t documents, double miss) {
  if (misses >= documents || miss <= 0) return 1;
  if (miss >= 1) return 0;
  return boost::math::ibeta(static_cast<double>(documents - misses),
                            static_cast<double>(misses) + 1, 1 - miss);
}

Budget judge(std::uint64_t documents, std::uint64_t misses, std::uint64_t open, double fraction) {
  Budget budget;
  if (is_kept(documents, misses + open, fraction))
    budget.judgement = Judgement::kept;
  else if (is_missed(documents, misses, fraction))
    budget.judgement = Judgement::missed;
  const std::uint64_t too_many =
      first(0, documents, [&](std::uint64_t t) { return !is_kept(documents, t, fraction); });
  budget.misses_allowed = too_many == 0 ? 0 : too_many - 1;
  if (budget.judgement == Judgement::undecided && fraction < 1) {
    // Doubled until enough; a miss is worth some hundreds of documents, so that this ends soon.
    const auto is_enough = [&](std::uint64_t more) {
      return is_kept(documents + more, misses + open, fraction);
    };
    std::uint64_t high = 1;
    while (!is_enough(high)) high *= 2;
    budget.more_needed = first(0, high, is_enough);
  }
  return budget;
}

Interval quantile(std::span<const double> sorted, double fraction) {
  Interval interval;
  const std::uint64_t count = sorted.size();
  if (count == 0) return interval;
  const auto rank = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count)));
  interval.value = finite(sorted[std::clamp<std::uint64_t>(rank, 1, count) - 1]);
  // The quantile is below the value of rank u unless u or more are below the quantile.
  const std::uint64_t high =
      first(1, count + 1, [&](std::uint64_t u) { return is_kept(count, count - u, fraction); });
  if (high <= count) interval.high = finite(sorted[high - 1]);
  // It is above the value of rank l unless fewer than l are.
  const std::uint64_t above = first(
      1, count + 1, [&](std::uint64_t l) { return !is_missed(count, count - l + 1, fraction); });
  if (above > 1) interval.low = finite(sorted[above - 2]);
  return interval;
}

Interval mean(std::span<const double> values) {
  Interval interval;
  if (values.empty()) return interval;
  const auto count = static_cast<double>(values.size());
  const double average = std::accumulate(values.begin(), values.end(), 0.0) / count;
  interval.value = average;
  if (values.size() < 2) return interval;
  double squares = 0;
  for (const double value : values) squares += (value - average) * (value - average);
  const boost::math::students_t student(count - 1);
  const double margin =
      boost::math::quantile(student, confidence) * std::sqrt(squares / (count - 1) / count);
  interval.low = average - margin;
  interval.high = average + margin;
  return interval;
}

std::optional<Line> fit(std::span<const Point> points) {
  constexpr std::size_t points_max = 500;
  const std::size_t count = std::min(points.size(), points_max);
  std::vector<Point> taken;
  for (std::size_t i = 0; i < count; ++i) taken.push_back(points[i * points.size() / count]);
  std::vector<double> slopes;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i + 1; j < count; ++j)
      if (taken[i].x != taken[j].x)
        slopes.push_back((taken[j].y - taken[i].y) / (taken[j].x - taken[i].x));
  if (slopes.empty()) return std::nullopt;
  Line line;
  std::ranges::sort(slopes);
  line.slope = slopes[slopes.size() / 2];
  // Sen's interval: the slopes' signs around the true one are as Kendall's statistic of no trend,
  // which has this variance and is about normal (2.326: one end at 99%).
  const auto n = static_cast<double>(count);
  const double spread = 2.326 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  const double rank = (static_cast<double>(slopes.size()) + spread) / 2;
  line.slope_high = slopes[std::min(slopes.size() - 1, static_cast<std::size_t>(std::ceil(rank)))];
  std::vector<double> rests;
  rests.reserve(count);
  for (const Point& point : taken) rests.push_back(point.y - line.slope * point.x);
  line.at_zero = median(rests);
  return line;
}

bool is_growing(std::span<const double> values) {
  const std::size_t count = values.size();
  if (count < 5) return false;
  std::size_t rises = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i + 1; j < count; ++j) rises += values[j] > values[i] ? 1 : 0;
  // By how many of all orders of distinct values there are so many rises, or more: as parts of all,
  // built up value by value. Pairs that are equal count as falls, which errs to the side of
  // silence.
  std::vector<double> chance = {1};
  for (std::size_t n = 2; n <= count; ++n) {
    std::vector<double> next(chance.size() + n - 1, 0);
    for (std::size_t k = 0; k < chance.size(); ++k)
      for (std::size_t added = 0; added < n; ++added)
        next[k + added] += chance[k] / static_cast<double>(n);
    chance = std::move(next);
  }
  return std::accumulate(chance.begin() + static_cast<std::ptrdiff_t>(rises), chance.end(), 0.0) <
         chance_of_error;
}

}  // namespace penstock
