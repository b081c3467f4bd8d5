#include "engine/stages/throttle/fleet_share.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

namespace penstock {
namespace {

// Least time between calls for bulk.
constexpr Duration rest = std::chrono::milliseconds(10);
// What has to be told waits so long for a question to travel with.
constexpr Duration telling_waits = std::chrono::milliseconds(200);
// Well below the pace's burst, so that nothing is lost by coming late.
constexpr Duration bulk_jitter = std::chrono::milliseconds(250);
// Below the grace for which a key is kept.
constexpr Duration interactive_jitter = std::chrono::milliseconds(20);

constexpr Duration first_wait = std::chrono::milliseconds(100);
constexpr Duration longest_wait = std::chrono::seconds(2);
constexpr double wait_jitter = 0.5;

Binding binding_of(Scarce what) {
  switch (what) {
    case Scarce::tokens:
      return Binding::tokens;
    case Scarce::requests:
      return Binding::requests;
    case Scarce::pause:
      return Binding::retry_after;
  }
  return Binding::tokens;
}

}  // namespace

FleetShare::FleetShare(std::uint64_t seed)
    : backoff_(first_wait, longest_wait, wait_jitter, seed), random_(seed) {}

void FleetShare::ended(const LeaseEnd& end, TimePoint now) {
  ends_.push_back(end);
  if (!tell_at_) tell_at_ = now + telling_waits;
}

std::optional<TimePoint> FleetShare::call_at(
    const std::array<bool, all_lanes.size()>& waits) const {
  if (is_calling_) return std::nullopt;
  std::optional<TimePoint> at = tell_at_;
  for (const Lane lane : all_lanes) {
    if (!waits[index_of(lane)]) continue;
    TimePoint lane_at = may_ask_at_[index_of(lane)];
    if (lane == Lane::bulk) lane_at = std::max(lane_at, rests_until_);
    at = std::min(at.value_or(lane_at), lane_at);
  }
  if (at) at = std::max(*at, retry_at_);
  return at;
}

LeaseCall FleetShare::begin(const std::vector<Asking>& asking) {
  assert(!is_calling_);
  is_calling_ = true;
  asked_ = asking;
  told_ = std::exchange(ends_, {});
  tell_at_.reset();
  LeaseCall call;
  for (const Asking& one : asking) call.wishes.push_back(one.wish);
  call.ends = told_;
  return call;
}

const Lease* FleetShare::find(std::uint64_t request) const {
  const auto found = leases_.find(request);
  return found == leases_.end() ? nullptr : &found->second;
}

Lease FleetShare::take(std::uint64_t request) {
  const auto taken = leases_.extract(request);
  assert(taken);
  return taken.mapped();
}

void FleetShare::give_back_leases(TimePoint now) {
  for (const auto& [request, lease] : leases_) {
    ended({lease, 0, false}, now);
  }
  leases_.clear();
}

void FleetShare::answered(const Result<LeaseAnswer>& answer, TimePoint now) {
  is_calling_ = false;
  rests_until_ = now + rest;
  const std::vector<LeaseEnd> told = std::exchange(told_, {});
  if (!answer) {
    failure_ = answer.error().message;
    retry_at_ = now + backoff_.next();
    // It may have been told: what makes room is not told twice, what takes room safely is.
    for (const LeaseEnd& end : told) {
      if (end.sent && end.tokens >= end.lease.tokens) ended(end, now);
    }
    return;
  }
  failure_.clear();
  backoff_.reset();
  retry_at_ = now;
  for (const Lease& lease : answer->leases) leases_.emplace(asked_[lease.wish].request, lease);
  for (const Lane lane : all_lanes) {
    const auto is_of_lane = [lane](const Asking& one) { return one.wish.lane == lane; };
    if (std::ranges::none_of(asked_, is_of_lane)) continue;
    const std::optional<Denial>& denial = answer->denials[index_of(lane)];
    TimePoint& may_ask_at = may_ask_at_[index_of(lane)];
    if (!denial) {
      may_ask_at = now;
      continue;
    }
    may_ask_at =
        now + denial->ask_again_in + jitter(lane == Lane::bulk ? bulk_jitter : interactive_jitter);
    bindings_[index_of(lane)] = binding_of(denial->what);
  }
}

Binding FleetShare::binding(Lane lane) const {
  return failure_.empty() ? bindings_[index_of(lane)] : Binding::shared_budget;
}

Duration FleetShare::jitter(Duration longest) {
  const double fraction = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  return Duration(static_cast<Duration::rep>(static_cast<double>(longest.count()) * fraction));
}

}  // namespace penstock
