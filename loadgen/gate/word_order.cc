#include "loadgen/gate/word_order.h"

#include <cstddef>
#include <cstdlib>

namespace penstock {
namespace {

constexpr std::ptrdiff_t edits_max = 1'000;  // of a stretch

// How far the search came on each diagonal x - y, from -edits to +edits.
using Frontier = std::vector<std::ptrdiff_t>;

std::ptrdiff_t& on(Frontier& frontier, std::ptrdiff_t diagonal) {
  return frontier[static_cast<std::size_t>(diagonal + edits_max + 1)];
}

// By an insertion (from the diagonal above), else by a deletion.
bool comes_from_above(Frontier& before, std::ptrdiff_t diagonal, std::ptrdiff_t edits) {
  return diagonal == -edits ||
         (diagonal != edits && on(before, diagonal - 1) < on(before, diagonal + 1));
}

struct Place {
  std::ptrdiff_t x = 0;
  std::ptrdiff_t y = 0;
};

// From the beginning of both, until their ends or edits_max. Marks in `kept`, and says how far.
Place match_stretch(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b,
                    std::vector<bool>& kept, std::size_t kept_at) {
  const auto a_size = static_cast<std::ptrdiff_t>(a.size());
  const auto b_size = static_cast<std::ptrdiff_t>(b.size());
  const auto equal = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
    return a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(y)];
  };
  std::vector<Frontier> trace;
  Frontier frontier(2 * edits_max + 3, 0);
  Place end;
  bool is_whole = false;
  for (std::ptrdiff_t edits = 0; edits <= edits_max && !is_whole; ++edits) {
    Frontier before = frontier;
    end = {};
    for (std::ptrdiff_t diagonal = -edits; diagonal <= edits; diagonal += 2) {
      std::ptrdiff_t x = 0;
      if (edits > 0)
        x = comes_from_above(before, diagonal, edits) ? on(before, diagonal + 1)
                                                      : on(before, diagonal - 1) + 1;
      std::ptrdiff_t y = x - diagonal;
      while (x < a_size && y < b_size && equal(x, y)) ++x, ++y;
      on(frontier, diagonal) = x;
      // Of those that got as far, the one from which the ends of both are as near.
      const auto aside = [&](std::ptrdiff_t on_diagonal) {
        return std::abs(on_diagonal - (a_size - b_size));
      };
      if (x <= a_size && y <= b_size &&
          (x + y > end.x + end.y ||
           (x + y == end.x + end.y && aside(diagonal) < aside(end.x - end.y))))
        end = {x, y};
      is_whole = x == a_size && y == b_size;
      if (is_whole) break;
    }
    trace.push_back(std::move(before));
  }
  const auto keep_back_to = [&](Place& at, std::ptrdiff_t x, std::ptrdiff_t y) {
    for (; at.x > x && at.y > y; --at.x, --at.y)
      kept[kept_at + static_cast<std::size_t>(at.x) - 1] = true;
  };
  Place at = end;
  for (auto edits = static_cast<std::ptrdiff_t>(trace.size()) - 1; edits > 0; --edits) {
    Frontier& before = trace[static_cast<std::size_t>(edits)];
    const std::ptrdiff_t diagonal = at.x - at.y;
    const std::ptrdiff_t from =
        comes_from_above(before, diagonal, edits) ? diagonal + 1 : diagonal - 1;
    const std::ptrdiff_t x = on(before, from);
    keep_back_to(at, x, x - from);
    at = {x, x - from};
  }
  keep_back_to(at, 0, 0);
  return end;
}

}  // namespace

std::vector<bool> kept_in_order(std::span<const std::uint32_t> a,
                                std::span<const std::uint32_t> b) {
  std::vector<bool> kept(a.size());
  std::size_t at = 0;
  while (!a.empty() && !b.empty()) {
    // Most texts differ in nothing, or little.
    if (a.front() == b.front()) {
      kept[at++] = true;
      a = a.subspan(1);
      b = b.subspan(1);
      continue;
    }
    const Place end = match_stretch(a, b, kept, at);
    at += static_cast<std::size_t>(end.x);
    a = a.subspan(static_cast<std::size_t>(end.x));
    b = b.subspan(static_cast<std::size_t>(end.y));
  }
  return kept;
}

}  // namespace penstock
