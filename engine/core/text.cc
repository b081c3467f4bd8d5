#include "engine/core/text.h"

#include <algorithm>

namespace penstock {

std::uint32_t Text::page_of(std::size_t offset) const {
  const auto page = std::upper_bound(page_ends.begin(), page_ends.end(), offset);
  const auto index = static_cast<std::uint32_t>(page - page_ends.begin());
  return std::min<std::uint32_t>(index + 1, static_cast<std::uint32_t>(page_ends.size()));
}

}  // namespace penstock
