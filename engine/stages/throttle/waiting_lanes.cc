#include "engine/stages/throttle/waiting_lanes.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr std::uint64_t interactive_tokens_a_bulk_token = 9;

}  // namespace

void WaitingLanes::add(const Request& request, Lane lane) {
  lanes_[index_of(lane)].push_back(request);
  tokens_[index_of(lane)] += request.tokens;
}

bool WaitingLanes::bulk_is_due() const {
  const std::deque<Request>& bulk = lanes_[index_of(Lane::bulk)];
  return !bulk.empty() && bulk_waited_for_ >= interactive_tokens_a_bulk_token * bulk.front().tokens;
}

// The order: bulk's head if it is due, all interactive ones, all (other) bulk ones.
std::optional<WaitingLanes::Place> WaitingLanes::first() const {
  if (bulk_is_due()) return Place{Lane::bulk, 0};
  const std::optional<Place> interactive = place(Lane::interactive, 0);
  return interactive ? interactive : place(Lane::bulk, 0);
}

std::optional<WaitingLanes::Place> WaitingLanes::after(Place before) const {
  const bool head_was_first = bulk_is_due();
  const std::size_t first_of_bulk = head_was_first ? 1 : 0;
  if (before.lane == Lane::bulk && !(head_was_first && before.index == 0)) {
    return place(Lane::bulk, before.index + 1);
  }
  const std::size_t interactive_index = before.lane == Lane::interactive ? before.index + 1 : 0;
  const std::optional<Place> interactive = place(Lane::interactive, interactive_index);
  return interactive ? interactive : place(Lane::bulk, first_of_bulk);
}

WaitingLanes::Request WaitingLanes::take(Place place) {
  const Request request = remove(place);
  if (place.lane == Lane::bulk) {
    bulk_waited_for_ -=
        std::min(bulk_waited_for_, interactive_tokens_a_bulk_token * request.tokens);
  } else if (requests(Lane::bulk) > 0) {
    bulk_waited_for_ += request.tokens;
  }
  return request;
}

WaitingLanes::Request WaitingLanes::remove(Place place) {
  std::deque<Request>& lane = lanes_[index_of(place.lane)];
  const Request request = lane[place.index];
  lane.erase(lane.begin() + static_cast<std::ptrdiff_t>(place.index));
  tokens_[index_of(place.lane)] -= request.tokens;
  if (requests(Lane::bulk) == 0) bulk_waited_for_ = 0;
  return request;
}

std::optional<WaitingLanes::Place> WaitingLanes::place(Lane lane, std::size_t index) const {
  if (index >= lanes_[index_of(lane)].size()) return std::nullopt;
  return Place{lane, index};
}

}  // namespace penstock
