// Which words two texts have in the same order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace penstock {

// Words as numbers, equal for equal ones. Of `a`, those of a common subsequence: a longest one,
// where the texts differ in up to a thousand words at a stretch. Beyond that the search goes on
// from where it got farthest, so that time and memory stay linear in the texts, and the result may
// be shorter. Myers, An O(ND) Difference Algorithm and Its Variations, 1986.
std::vector<bool> kept_in_order(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b);

}  // namespace penstock
