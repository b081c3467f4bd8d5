#include "cli/recent_rates.h"

#include <chrono>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

WorkerReport sums(std::uint64_t done, std::uint64_t failed = 0) {
  WorkerReport report;
  report.done = done;
  report.failed = failed;
  report.pages = 10 * done;
  report.tokens = 1'000 * done;
  return report;
}

TEST_CASE("recent rates: a young worker's are since it started") {
  RecentRates rates(start);
  CHECK(rates.add(start, sums(0)).documents == 0);
  const WorkerRates first = rates.add(start + 2s, sums(9, 1));
  CHECK(first.documents == 5);
  CHECK(first.failed == 0.5);
  CHECK(first.pages == 45);
  CHECK(first.tokens == 4'500);
  CHECK(rates.add(start + 20s, sums(19, 1)).documents == 1);
}

TEST_CASE("recent rates: what was longer ago than a minute does not count") {
  RecentRates rates(start);
  for (int s = 2; s <= 600; s += 2) rates.add(start + std::chrono::seconds(s), sums(1'000'000));
  CHECK(rates.add(start + 602s, sums(1'000'120)).documents == 2);
  CHECK(rates.add(start + 660s, sums(1'000'120)).documents == 2);
  CHECK(rates.add(start + 662s, sums(1'000'120)).documents == 0);
}

TEST_CASE("recent rates: a worker that stood still for long has the rates of that time") {
  RecentRates rates(start);
  rates.add(start + 2s, sums(100));
  CHECK(rates.add(start + 102s, sums(300)).documents == 2);
  CHECK(rates.add(start + 104s, sums(304)).documents == 2);
}

}  // namespace
}  // namespace penstock
