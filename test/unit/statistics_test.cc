#include "reports/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/core/random.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

// Term by term.
double by_sum(std::uint64_t misses, std::uint64_t documents, double miss) {
  double term = std::pow(1 - miss, static_cast<double>(documents));
  double sum = term;
  for (std::uint64_t i = 1; i <= misses; ++i) {
    term *= static_cast<double>(documents - i + 1) / static_cast<double>(i) * miss / (1 - miss);
    sum += term;
  }
  return sum;
}

// The fewest documents with which so many misses are still kept.
std::uint64_t documents_needed(std::uint64_t misses, double fraction) {
  std::uint64_t documents = misses + 1;
  while (judge(documents, misses, 0, fraction).judgement != Judgement::kept) ++documents;
  return documents;
}

TEST_CASE("statistics: the binomial chance is the sum of its terms") {
  for (const double miss : {0.5, 0.05, 0.01, 0.001})
    for (std::uint64_t documents = 1; documents < 300; documents += 7)
      for (std::uint64_t misses = 0; misses < documents; misses += 3) {
        INFO(miss << ' ' << documents << ' ' << misses);
        CHECK(chance_of_at_most(misses, documents, miss) ==
              Approx(by_sum(misses, documents, miss)).margin(1e-9));
      }
  CHECK(chance_of_at_most(5, 5, 0.01) == 1);
}

TEST_CASE("statistics: 459 documents without a miss are enough for p99") {
  CHECK(documents_needed(0, 0.99) == 459);
  CHECK(documents_needed(1, 0.99) == 662);
  CHECK(documents_needed(2, 0.99) == 838);
  CHECK(documents_needed(10, 0.99) == 2'010);
  CHECK(documents_needed(0, 0.95) == 90);
  CHECK(documents_needed(1, 0.95) == 130);
  CHECK(documents_needed(2, 0.95) == 165);
  CHECK(documents_needed(10, 0.95) == 398);
}

TEST_CASE("statistics: what is short of a verdict is said and is enough") {
  CHECK(judge(0, 0, 0, 0.99).more_needed == 459);
  CHECK(judge(458, 0, 0, 0.99).more_needed == 1);
  CHECK(judge(459, 0, 0, 0.99).more_needed == 0);
  CHECK(judge(600, 2, 0, 0.99).more_needed == 238);
  CHECK(judge(838, 1, 0, 0.99).misses_allowed == 2);
  CHECK(judge(837, 1, 0, 0.99).misses_allowed == 1);
  CHECK(judge(400, 0, 0, 0.99).misses_allowed == 0);
}

TEST_CASE("statistics: few misses are undecided and many are missed") {
  CHECK(judge(100, 1, 0, 0.99).judgement == Judgement::undecided);
  CHECK(judge(1'000, 10, 0, 0.99).judgement == Judgement::undecided);
  CHECK(judge(1'000, 40, 0, 0.99).judgement == Judgement::missed);
  CHECK(judge(5, 5, 0, 0.99).judgement == Judgement::missed);
  CHECK(judge(5, 5, 0, 0.99).more_needed == 0);
}

TEST_CASE("statistics: open documents count against either judgement") {
  CHECK(judge(662, 0, 1, 0.99).judgement == Judgement::kept);
  CHECK(judge(662, 0, 2, 0.99).judgement == Judgement::undecided);
  CHECK(judge(1'000, 20, 0, 0.99).judgement == Judgement::missed);
  CHECK(judge(1'000, 5, 500, 0.99).judgement == Judgement::undecided);
}

TEST_CASE("statistics: a quantile's interval agrees with the judgement for any limit") {
  Random random(1);
  for (const std::size_t count : {1, 50, 459, 700, 1'500}) {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(uniform(random));
    std::ranges::sort(values);
    const Interval interval = quantile(values, 0.99);
    for (const double limit : {0.5, 0.9, 0.97, 0.98, 0.985, 0.99, 0.993, 0.996, 0.999, 1.0}) {
      const auto misses =
          static_cast<std::uint64_t>(values.end() - std::ranges::upper_bound(values, limit));
      const Judgement judgement = judge(count, misses, 0, 0.99).judgement;
      INFO(count << ' ' << limit);
      CHECK((judgement == Judgement::kept) == (interval.high && *interval.high <= limit));
      CHECK((judgement == Judgement::missed) == (interval.low && *interval.low > limit));
    }
  }
}

TEST_CASE("statistics: a quantile's ends hold in 99 of 100 samples") {
  Random random(2);
  constexpr int samples = 4'000;
  int above = 0, below = 0;
  for (int i = 0; i < samples; ++i) {
    std::vector<double> values(200);
    for (double& value : values) value = uniform(random);
    std::ranges::sort(values);
    const Interval interval = quantile(values, 0.9);
    above += *interval.high < 0.9 ? 1 : 0;
    below += *interval.low > 0.9 ? 1 : 0;
  }
  // 1% of 4,000 is 40, less what the steps between ranks leave unused; 64 is 4 deviations above.
  CHECK(above < 64);
  CHECK(below < 64);
  CHECK(above + below > 20);
}

TEST_CASE("statistics: a quantile among unknown values is absent") {
  const double never = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {1, 2, 3, never};
  CHECK(quantile(values, 0.5).value == 2);
  CHECK_FALSE(quantile(values, 0.99).value.has_value());
  CHECK_FALSE(quantile({}, 0.5).value.has_value());
}

TEST_CASE("statistics: a mean's ends are Student's") {
  // t of 9 degrees at 0.99 is 2.821; deviation 3.02765.
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Interval interval = mean(values);
  CHECK(*interval.value == Approx(5.5));
  CHECK(*interval.low == Approx(5.5 - 2.8214 * 3.02765 / std::sqrt(10)).epsilon(1e-4));
  CHECK(*interval.high == Approx(5.5 + 2.8214 * 3.02765 / std::sqrt(10)).epsilon(1e-4));
}

TEST_CASE("statistics: a line is found through outliers") {
  Random random(3);
  std::vector<Point> points;
  for (int i = 0; i < 2'000; ++i) {
    const double x = 10 * uniform(random);
    points.push_back({x, 0.5 + 0.2 * x + 0.1 * (uniform(random) - 0.5)});
    if (i % 7 == 0) points.back().y += 100;
  }
  const auto line = fit(points);
  REQUIRE(line);
  CHECK(line->slope == Approx(0.2).margin(0.01));
  CHECK(line->at_zero == Approx(0.5).margin(0.05));
  CHECK(line->slope_high > line->slope);
  CHECK(line->slope_high == Approx(0.2).margin(0.05));
  CHECK_FALSE(fit(std::vector<Point>{{1, 1}, {1, 2}}));
  CHECK_FALSE(fit({}));
}

TEST_CASE("statistics: a line's upper slope holds in 99 of 100 samples") {
  Random random(4);
  int below = 0;
  for (int sample = 0; sample < 2'000; ++sample) {
    std::vector<Point> points;
    for (int i = 0; i < 30; ++i) {
      const double x = uniform(random);
      points.push_back({x, x + uniform(random)});
    }
    below += fit(points)->slope_high < 1 ? 1 : 0;
  }
  CHECK(below < 40);  // 1% is 20; 4 deviations above
}

TEST_CASE("statistics: growth is told from noise") {
  CHECK(is_growing(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  CHECK(is_growing(std::vector<double>{1, 2, 3, 4, 5}));
  CHECK_FALSE(is_growing(std::vector<double>{1, 2, 3, 4}));
  CHECK_FALSE(is_growing(std::vector<double>(10, 0.0)));
  CHECK_FALSE(is_growing(std::vector<double>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  Random random(5);
  int alarms = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::vector<double> values(10);
    for (double& value : values) value = uniform(random);
    alarms += is_growing(values) ? 1 : 0;
  }
  CHECK(alarms < 79);  // 1% is 50; 4 deviations above
  CHECK(alarms > 15);
}

}  // namespace
}  // namespace penstock
