// What a dispatch does where a fleet keeps the limits.
#include <algorithm>
#include <array>
#include <utility>

#include "engine/stages/throttle/dispatch.h"

namespace penstock {
namespace {

// Most that one question asks for. What a call brings is sent before the next, so more would only
// make the budget's server slow for others.
constexpr std::size_t wishes_max = 64;

}  // namespace

std::optional<Dispatch::Pick> Dispatch::pick_leased(TimePoint now) {
  std::size_t looked_at = 0;
  for (auto place = waiting_.first(); place && looked_at < wishes_max;
       place = waiting_.after(*place), ++looked_at) {
    const WaitingLanes::Request& request = waiting_.at(*place);
    if (!may_spend(request.tokens)) return std::nullopt;
    if (!fits_a_key(request.tokens)) return Pick{*place, std::nullopt};
    const Lease* const lease = fleet_->find(request.id);
    if (lease != nullptr && can_use(*lease, now)) return Pick{*place, lease->key};
    if (binding_ == Binding::nothing) binding_ = fleet_->binding(place->lane);
  }
  return std::nullopt;
}

bool Dispatch::fits_a_key(std::uint64_t tokens) const {
  return std::ranges::any_of(keys_, [tokens](const KeyBudget& key) { return key.fits(tokens); });
}

bool Dispatch::can_use(const Lease& lease, TimePoint now) {
  KeyBudget& key = keys_[lease.key];
  return now < lease.valid_until && key.fits(lease.tokens) &&
         key.next(lease.tokens, Meter::Share::all, now).at <= now;
}

std::vector<FleetShare::Asking> Dispatch::wanted() const {
  std::vector<FleetShare::Asking> asking;
  if (closed_) return asking;
  if (breaker_.is_open()) {
    if (probe_is_due_) {
      asking.push_back({FleetShare::probe, {options_.probe_tokens, Lane::interactive}});
    }
    return asking;
  }
  const std::size_t room = options_.requests_in_flight_max -
                           std::min(in_flight_.size(), options_.requests_in_flight_max);
  std::uint64_t tokens = 0;
  for (auto place = waiting_.first(); place && asking.size() < std::min(room, wishes_max);
       place = waiting_.after(*place)) {
    const WaitingLanes::Request& request = waiting_.at(*place);
    tokens += request.tokens;
    if (!spending_.has_room_for(tokens)) break;
    asking.push_back({request.id, {request.tokens, place->lane}});
  }
  return asking;
}

void Dispatch::plan_call() {
  std::array<bool, all_lanes.size()> waits{};
  for (const FleetShare::Asking& one : wanted()) waits[index_of(one.wish.lane)] = true;
  call_at_ = fleet_->call_at(waits);
}

LeaseCall Dispatch::begin_call(TimePoint now) {
  std::vector<FleetShare::Asking> asking = wanted();
  std::erase_if(
      asking, [&](const FleetShare::Asking& one) { return !fleet_->may_ask(one.wish.lane, now); });
  LeaseCall call = fleet_->begin(asking);
  call_at_.reset();
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    call.usable.push_back(!keys_[key].is_refused());
    if (const std::optional<KeyReport> report = keys_[key].report(key, now)) {
      call.reports.push_back(*report);
    }
  }
  return call;
}

void Dispatch::answered(const Result<LeaseAnswer>& answer, TimePoint now) {
  fleet_->answered(answer, now);
  if (answer) {
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      keys_[key].used_by_fleet(answer->keys[key]);
    }
  } else if (answer.error().kind != ErrorKind::retryable) {
    close(answer.error().kind, answer.error().message);
  }
}

std::optional<LeaseCall> Dispatch::last_call() {
  if (!fleet_->has_news() || !fleet_->failure().empty()) return std::nullopt;
  LeaseCall call = fleet_->begin({});
  call.usable.resize(keys_.size());
  return call;
}

}  // namespace penstock
