// How wide lines may be.
#pragma once

#include <cstddef>
#include <optional>

namespace penstock {

// Absent: the descriptor is no terminal, and COLUMNS, as watch(1) sets it, speaks of none.
std::optional<std::size_t> terminal_columns(int descriptor);

}  // namespace penstock
