// Vectors of unit length, as the embedder's port promises them.
#pragma once

#include <cstdint>
#include <span>

namespace penstock {

enum class LengthFault : std::uint8_t { none, zero, not_finite };

// Scales the vector to unit length. One whose length is within a thousandth of 1 is left as it is,
// bit for bit: services that normalise do so in half precision, too.
LengthFault make_unit_length(std::span<float> vector);

}  // namespace penstock
