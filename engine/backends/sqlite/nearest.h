// Exact nearest neighbours by inner product: every vector is looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace penstock {

struct Neighbour {
  std::size_t row = 0;
  float score = 0;
};

// The `count_max` rows with the greatest inner product with `query`, best first, lower rows first
// among equals. `rows` is row-major, rows.size() / query.size() vectors. `accept`, if not empty,
// has one entry per row: 0 passes over it. Uses all cores; with AVX2 and FMA where the processor
// has them. Scores of the scalar and the vector code differ by rounding only.
std::vector<Neighbour> nearest(std::span<const float> rows, std::span<const float> query,
                               std::size_t count_max, std::span<const std::uint8_t> accept);

float dot_scalar(const float* a, const float* b, std::size_t size);
// The fastest that this processor has.
float dot(const float* a, const float* b, std::size_t size);

}  // namespace penstock
