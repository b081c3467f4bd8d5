// The arithmetic of pairs: Wilcoxon's signed ranks of the differences within pairs. A test, an
// estimate and its interval of one statistic, so that they agree; all exact, nothing is drawn.
//
// Under "both sides are the same" each difference is as likely as its negative, because a coin
// decided which side ran first: the 2^n signs are the whole distribution, whatever the noise is.
// Ranks instead of the differences themselves, because a machine that stood still for one run
// must not decide, and because they are counted by a table instead of 2^n cases.
// Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, 3.1 to 3.3.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace penstock {

// ln(candidate / baseline), within a factor of a thousand: one that is zero or less, too.
double log_ratio(double baseline, double candidate);

// How likely signs by chance give a sum of ranks as far up, or down, as that of the differences, or
// farther. Equal sizes share their ranks; zeros have ranks and no signs (Pratt, 1959).
struct Tails {
  double up = 1;    // small: the differences are above zero
  double down = 1;  // small: below
};
Tails signed_rank_tails(std::span<const double> differences);

// Of one value or more; of an even number the mean of the middle two.
double median(std::vector<double> values);

// The median of all Walsh averages, (x_i + x_j) / 2 with i <= j (Hodges and Lehmann, 1963); from
// low to high lies every shift that the test does not refuse. Each end errs at most once in
// 1 / chance_of_error; absent: too few differences for that.
struct Shift {
  double value = 0;
  std::optional<double> low;
  std::optional<double> high;
};
// Of one difference or more.
Shift shift_of(std::span<const double> differences, double chance_of_error);

// The least number of pairs of which all could agree so that it is chance with less probability.
std::uint64_t pairs_for(double chance);

}  // namespace penstock
