// A number in [0, 1) of a generator's next output. The standard's distributions differ from library
// to library; what a seed gives is to be the same everywhere.
#pragma once

#include <random>

namespace penstock {

inline double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

}  // namespace penstock
