// Two kinds of work share the machine and the quota: what a person waits for, and what only has to
// be done. Interactive work goes first at every stage; bulk work is never starved by it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace penstock {

enum class Lane { interactive, bulk };

inline constexpr std::array<Lane, 2> all_lanes = {Lane::interactive, Lane::bulk};

constexpr std::string_view name_of(Lane lane) {
  return lane == Lane::interactive ? "interactive" : "bulk";
}

// Absent: no lane has this name.
constexpr std::optional<Lane> lane_named(std::string_view name) {
  for (const Lane lane : all_lanes)
    if (name == name_of(lane)) return lane;
  return std::nullopt;
}

// For arrays with a slot a lane.
constexpr std::size_t index_of(Lane lane) {
  return static_cast<std::size_t>(lane);
}

}  // namespace penstock
