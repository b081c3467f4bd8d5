#include "reports/gate/paired_test.h"

#include <cmath>
#include <vector>

#include "engine/core/random.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Differences = std::vector<double>;

TEST_CASE("paired test: chances are counted over all signs") {
  // Ranks 1, 2, 3: the sums of their subsets are 0, 1, 2, 3, 3, 4, 5, 6.
  CHECK(signed_rank_tails(Differences{1, 2, 3}).up == 1.0 / 8);
  CHECK(signed_rank_tails(Differences{1, 2, 3}).down == 1);
  CHECK(signed_rank_tails(Differences{-1, 2, 3}).up == 2.0 / 8);
  CHECK(signed_rank_tails(Differences{-1, 2, 3}).down == 7.0 / 8);
  CHECK(signed_rank_tails(Differences{1, -2, -3}).down == 2.0 / 8);
  CHECK(signed_rank_tails(Differences(10, 0.01)).up == 1.0 / 1024);
}

TEST_CASE("paired test: equal sizes share their ranks and zeros have no sign") {
  // Each has rank 2: sums of 0, 2, 4, 6 in 1, 3, 3, 1 of 8 cases.
  CHECK(signed_rank_tails(Differences{1, 1, -1}).up == 4.0 / 8);
  // Three with rank 2, one with 4: of 16 cases the first three alone, or the last and any other.
  CHECK(signed_rank_tails(Differences{1, 1, 1, -2}).up == 8.0 / 16);
  // Ranks 2 and 3 above the zero's: all four cases differ.
  CHECK(signed_rank_tails(Differences{0, 1, 2}).up == 1.0 / 4);
  CHECK(signed_rank_tails(Differences{0, -1, 2}).up == 2.0 / 4);
  CHECK(signed_rank_tails(Differences{0, 0}).up == 1);
  CHECK(signed_rank_tails(Differences{}).down == 1);
}

TEST_CASE("paired test: one wild run is a rank and no more") {
  const Differences tame = {0.01, 0.02, -0.03, 0.04, 0.05, 0.06};
  Differences wild = tame;
  wild.back() = 7;
  CHECK(signed_rank_tails(wild).up == signed_rank_tails(tame).up);
}

TEST_CASE("paired test: the shift is the median of Walsh averages") {
  // 1, 1.5, 2, 2, 2.5, 3.
  CHECK(shift_of(Differences{3, 1, 2}, 0.01).value == 2);
  // 0, 0.5, 1, 4.5, 5, 9.
  CHECK(shift_of(Differences{0, 1, 9}, 0.01).value == 2.75);
  CHECK(shift_of(Differences{4}, 0.01).value == 4);
}

TEST_CASE("paired test: the interval ends where the published table says") {
  // Of ten pairs at 0.01 in one tail the critical sum of ranks is 5: the sixth average from each
  // end of 1, 1.5, 2, 2, 2.5, 2.5, ...
  const Differences ten = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Shift shift = shift_of(ten, 0.01);
  CHECK(shift.value == 5.5);
  CHECK(shift.low == 2.5);
  CHECK(shift.high == 8.5);
  // 1 / 64 is more than 0.01, 1 / 128 is not.
  CHECK_FALSE(shift_of(Differences{1, 2, 3, 4, 5, 6}, 0.01).low.has_value());
  CHECK(shift_of(Differences{1, 2, 3, 4, 5, 6, 7}, 0.01).low == 1);
  CHECK(shift_of(Differences{1, 2, 3, 4, 5, 6, 7}, 0.01).high == 7);
}

TEST_CASE("paired test: the interval leaves out zero when the test refuses it") {
  Random random(5);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    Differences differences;
    for (int j = 0; j < 14; ++j)
      differences.push_back(static_cast<double>(random.below(1'000'003)) / 1'000'003 - 0.3);
    const Tails tails = signed_rank_tails(differences);
    const Shift shift = shift_of(differences, 0.01);
    INFO(tails.up << ' ' << *shift.low);
    CHECK((tails.up <= 0.01) == (*shift.low > 0));
    CHECK((tails.down <= 0.01) == (*shift.high < 0));
    refused += tails.up <= 0.01 ? 1 : 0;
  }
  CHECK(refused > 50);
  CHECK(refused < 450);
}

TEST_CASE("paired test: a ratio is a difference of logarithms and never infinite") {
  CHECK(log_ratio(2, 2) == 0);
  CHECK(log_ratio(2, 4) == Approx(std::log(2)));
  CHECK(log_ratio(4, 2) == -log_ratio(2, 4));
  CHECK(log_ratio(0, 0) == 0);
  CHECK(log_ratio(0, 5) == Approx(std::log(1000)));
  CHECK(log_ratio(5, 0) == -log_ratio(0, 5));
  CHECK(log_ratio(1, 1e9) == log_ratio(0, 5));
}

TEST_CASE("paired test: so many pairs that all agree are no chance") {
  CHECK(pairs_for(1.0 / 1024) == 10);
  CHECK(pairs_for(0.001) == 10);
  CHECK(pairs_for(0.0009) == 11);
}

}  // namespace
}  // namespace penstock
