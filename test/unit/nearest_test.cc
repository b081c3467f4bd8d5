#include "engine/backends/sqlite/nearest.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> floats(count);
  for (float& value : floats) value = static_cast<float>(generator() % 2001) / 1000.0f - 1.0f;
  return floats;
}

TEST_CASE("nearest: the fast inner product is the plain one but for rounding") {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 31u, 32u, 33u, 384u, 1536u}) {
    const std::vector<float> a = random_floats(size, 1);
    const std::vector<float> b = random_floats(size, 2);
    CHECK(std::abs(dot(a.data(), b.data(), size) - dot_scalar(a.data(), b.data(), size)) < 1e-3f);
  }
}

TEST_CASE("nearest: gives what sorting everything gives, over many tasks") {
  constexpr std::size_t dimensions = 16;
  constexpr std::size_t count = 20'000;
  const std::vector<float> rows = random_floats(count * dimensions, 3);
  const std::vector<float> query = random_floats(dimensions, 4);
  std::vector<Neighbour> all;
  for (std::size_t row = 0; row < count; ++row)
    all.push_back({row, dot(rows.data() + row * dimensions, query.data(), dimensions)});
  std::stable_sort(all.begin(), all.end(),
                   [](const Neighbour& a, const Neighbour& b) { return a.score > b.score; });
  const std::vector<Neighbour> found = nearest(rows, query, 50, {});
  REQUIRE(found.size() == 50);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].row == all[i].row);
}

TEST_CASE("nearest: of equals the lower row comes first") {
  const std::vector<float> rows(10'000, 1.0f);
  const std::vector<Neighbour> found = nearest(rows, std::vector<float>{1.0f}, 3, {});
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].row == i);
}

TEST_CASE("nearest: rows that are not accepted are passed over") {
  const std::vector<float> rows = {3, 2, 1};
  const std::vector<std::uint8_t> accept = {0, 1, 1};
  CHECK(nearest(rows, std::vector<float>{1.0f}, 1, accept).front().row == 1);
  CHECK(nearest({}, std::vector<float>{1.0f}, 1, {}).empty());
}

}  // namespace
}  // namespace penstock
