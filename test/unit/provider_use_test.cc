#include "loadgen/provider_use.h"

#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("provider use: the busiest minute is of sixty seconds that follow each other") {
  std::vector<std::uint64_t> seconds(150, 1);
  seconds[50] = 10;
  seconds[110] = 20;
  CHECK(busiest_minute(seconds) == 79);
  seconds[109] = 11;
  CHECK(busiest_minute(seconds) == 89);
}

TEST_CASE("provider use: what was spent at once is not taken for a rate") {
  CHECK(busiest_minute({6'000}) == 6'000);
  CHECK(busiest_minute({}) == 0);
}

}  // namespace
}  // namespace penstock
