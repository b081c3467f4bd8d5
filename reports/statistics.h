// The arithmetic of verdicts. All of it at 99% confidence, by order and counting: no distribution
// of latencies is assumed, and none of them has one that is known.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace penstock {

inline constexpr double confidence = 0.99;

// How likely at most `misses` of `documents` are, if each misses with probability `miss`.
double chance_of_at_most(std::uint64_t misses, std::uint64_t documents, double miss);

enum class Judgement { kept, missed, undecided };

// Whether at least `fraction` of all documents keep a target, by a sample of them. `open` ones may
// have kept it or missed it: they count as misses against "kept", as kept ones against "missed".
struct Budget {
  Judgement judgement = Judgement::undecided;
  std::uint64_t misses_allowed = 0;  // with which as many documents would be judged kept
  std::uint64_t more_needed =
      0;  // further documents, without a miss, until an undecided one is kept
};
Budget judge(std::uint64_t documents, std::uint64_t misses, std::uint64_t open, double fraction);

// Absent: too few values for an end, or the quantile is of a value that is not known (infinite).
struct Interval {
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
};

// Of sorted values, which may end in infinite ones. Each end holds at 99% by itself, so that a
// quantile agrees with the judgement: "kept" iff its high end keeps the limit, "missed" iff its low
// end does not.
Interval quantile(std::span<const double> sorted, double fraction);

// The mean of values that are independent and about normal, such as rates of long stretches.
// Between its ends 98%: each holds at 99%.
Interval mean(std::span<const double> values);

struct Point {
  double x = 0;
  double y = 0;
};

// Theil and Sen: the median of the slopes between any two points, which no outlier moves. Of more
// than 500 points every so many are taken. Absent: fewer than two different x.
struct Line {
  double at_zero = 0;
  double slope = 0;
  double slope_high = 0;  // not exceeded at 99%
  double at(double x) const { return at_zero + slope * x; }
};
std::optional<Line> fit(std::span<const Point> points);

// Whether values of equal stretches of time grow: Mann and Kendall's test, by counting. At fewer
// than five values nothing does.
bool is_growing(std::span<const double> values);

}  // namespace penstock
