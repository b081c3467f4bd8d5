#include "engine/backends/openai/unit_length.h"

#include <cmath>
#include <cstddef>

namespace penstock {
namespace {

constexpr double tolerance = 1e-3;

bool is_unit(double squares) {
  return std::abs(std::sqrt(squares) - 1.0) <= tolerance;
}

// Independent sums, so that additions do not wait for each other and the compiler may put them
// into vector registers. Its error is far below the tolerance; an overflow or a NaN is no unit.
float sum_of_squares(std::span<const float> vector) {
  constexpr std::size_t lanes = 16;
  float sums[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= vector.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += vector[i + lane] * vector[i + lane];
  float total = 0;
  for (; i < vector.size(); ++i) total += vector[i] * vector[i];
  for (const float sum : sums) total += sum;
  return total;
}

}  // namespace

LengthFault make_unit_length(std::span<float> vector) {
  if (is_unit(sum_of_squares(vector))) return LengthFault::none;
  // No finite float overflows or vanishes when it is squared in double precision.
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  if (!std::isfinite(squares)) return LengthFault::not_finite;
  if (squares == 0) return LengthFault::zero;
  const double scale = 1 / std::sqrt(squares);
  for (float& x : vector) x = static_cast<float>(x * scale);
  return LengthFault::none;
}

}  // namespace penstock
