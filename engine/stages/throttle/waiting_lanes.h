// Requests that wait for their turn: first come, first served within a lane, interactive before
// bulk; but of the tokens that are granted while both wait, bulk has a tenth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "engine/core/lane.h"

namespace penstock {

class WaitingLanes {
 public:
  struct Request {
    std::uint64_t id = 0;
    std::uint64_t tokens = 0;
  };
  // A place in a lane, valid until the next add() or take().
  struct Place {
    Lane lane = Lane::bulk;
    std::size_t index = 0;
  };

  // Without bound: whoever reserves waits for the answer, and so bounds it.
  void add(const Request& request, Lane lane);

  const Request& at(Place place) const { return lanes_[index_of(place.lane)][place.index]; }
  // The one to be served first, and from each the one to be served after it.
  std::optional<Place> first() const;
  std::optional<Place> after(Place place) const;
  // Bulk is below its tenth, and so first.
  bool bulk_is_due() const;

  // Removes a request that is granted, and counts it as served.
  Request take(Place place);
  // Removes a request that is refused.
  Request remove(Place place);

  bool empty() const { return lanes_[0].empty() && lanes_[1].empty(); }
  std::size_t requests(Lane lane) const { return lanes_[index_of(lane)].size(); }
  std::uint64_t tokens(Lane lane) const { return tokens_[index_of(lane)]; }

 private:
  std::optional<Place> place(Lane lane, std::size_t index) const;

  std::array<std::deque<Request>, all_lanes.size()> lanes_;
  std::array<std::uint64_t, all_lanes.size()> tokens_{};
  // Interactive tokens that were granted while bulk waited, less nine for each of bulk's since.
  std::uint64_t bulk_waited_for_ = 0;
};

}  // namespace penstock
