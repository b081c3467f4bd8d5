#include "engine/stages/throttle/dispatch.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>
#include <utility>

namespace penstock {
namespace {

// Most that one question asks for. What a call brings is sent before the next, so more would only
// make the budget's server slow for others.
constexpr std::size_t wishes_max = 64;
constexpr std::uint64_t probe_request = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Dispatch::Dispatch(const std::vector<KeyQuota>& keys, ThrottleOptions options,
                   LimitsKept limits_kept)
    : options_(std::move(options)),
      breaker_(options_.endpoint_patience, options_.seed),
      spending_(options_.tokens_max) {
  assert(!keys.empty());
  for (const KeyQuota& key : keys) {
    keys_.emplace_back(key, options_.interactive_share, options_.seed + keys_.size() + 1,
                       limits_kept);
  }
  if (limits_kept == LimitsKept::by_fleet) fleet_.emplace(options_.seed);
}

std::uint64_t Dispatch::submit(std::uint64_t tokens, Lane lane) {
  waiting_.add({next_request_, tokens}, lane);
  return next_request_++;
}

Dispatch::Step Dispatch::advance(TimePoint now) {
  Step step;
  next_wake_.reset();
  advance_breaker(step, now);
  while (const std::optional<Pick> next = pick(now)) {
    if (!next->key) {
      const WaitingLanes::Request request = waiting_.remove(next->place);
      step.decisions.push_back({request.id, pass_on(too_large(request.tokens))});
      continue;
    }
    const WaitingLanes::Request request = waiting_.take(next->place);
    const Grant grant{*next->key, next_ticket_++, request.tokens};
    InFlight sent = send(grant.key, grant.tokens, now);
    if (fleet_) sent.lease = fleet_->take(request.id);
    in_flight_.emplace(grant.ticket, sent);
    ++totals_.requests;
    totals_.tokens_reserved += grant.tokens;
    step.decisions.push_back({request.id, grant});
  }
  if (closed_) {
    while (const std::optional<WaitingLanes::Place> place = waiting_.first()) {
      step.decisions.push_back({waiting_.remove(*place).id, pass_on(*closed_)});
    }
  }
  if (fleet_) {
    fleet_->give_back_leases(now);
    plan_call();
  }
  return step;
}

void Dispatch::advance_breaker(Step& step, TimePoint now) {
  probe_is_due_ = false;
  const std::optional<TimePoint> gives_up_at = breaker_.gives_up_at();
  if (closed_ || !gives_up_at) return;
  if (*gives_up_at <= now) {
    const auto minutes = std::chrono::floor<std::chrono::minutes>(options_.endpoint_patience);
    close(ErrorKind::permanent, options_.endpoint + " has not answered for " +
                                    std::to_string(minutes.count()) +
                                    " min; run the same command again to go on");
    return;
  }
  wake_at(*gives_up_at);
  const std::optional<TimePoint> probe_at = breaker_.probe_at();
  if (!probe_at) return;
  if (*probe_at > now) {
    wake_at(*probe_at);
    return;
  }
  const std::uint64_t tokens = options_.probe_tokens;
  if (!spending_.has_room_for(tokens)) {
    if (spending_.never_has_room_for(tokens)) close_as_spent();
    return;
  }
  const std::optional<std::size_t> key = key_for_probe(now);
  if (!key) return;
  probe_ = send(*key, tokens, now);
  if (fleet_) probe_->lease = fleet_->take(probe_request);
  breaker_.probe_sent();
  step.probe_key = key;
}

std::optional<std::size_t> Dispatch::key_for_probe(TimePoint now) {
  if (fleet_) {
    const Lease* const lease = fleet_->find(probe_request);
    probe_is_due_ = lease == nullptr || !can_use(*lease, now);
    return probe_is_due_ ? std::nullopt : std::optional(lease->key);
  }
  const std::uint64_t tokens = options_.probe_tokens;
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    if (!keys_[key].fits(tokens)) continue;
    const Turn turn = keys_[key].next(tokens, Meter::Share::all, now);
    if (turn.at <= now) return key;
    wake_at(turn.at);
  }
  return std::nullopt;
}

std::optional<Dispatch::Pick> Dispatch::pick(TimePoint now) {
  std::optional<WaitingLanes::Place> place = waiting_.first();
  binding_ = Binding::nothing;
  if (closed_ || !place) return std::nullopt;
  if (breaker_.is_open()) {
    binding_ = Binding::endpoint_down;
    return std::nullopt;
  }
  if (in_flight_.size() >= options_.requests_in_flight_max) {
    binding_ = Binding::requests_in_flight;
    return std::nullopt;
  }
  return fleet_ ? pick_leased(now) : pick_by_limits(now);
}

bool Dispatch::may_spend(std::uint64_t tokens) {
  if (spending_.has_room_for(tokens)) return true;
  if (binding_ == Binding::nothing) binding_ = Binding::budget;
  if (spending_.never_has_room_for(tokens)) close_as_spent();
  return false;
}

std::optional<Dispatch::Pick> Dispatch::pick_by_limits(TimePoint now) {
  std::optional<WaitingLanes::Place> place = waiting_.first();
  std::vector<bool> kept(keys_.size());  // by a request further ahead
  std::size_t kept_keys = 0;
  for (; place && kept_keys < keys_.size(); place = waiting_.after(*place)) {
    const std::uint64_t tokens = waiting_.at(*place).tokens;
    if (!may_spend(tokens)) return std::nullopt;
    const bool may_use_reserve =
        place->lane == Lane::interactive || (place->index == 0 && waiting_.bulk_is_due());
    const Meter::Share share = may_use_reserve ? Meter::Share::all : Meter::Share::but_reserved;
    bool fits = false;
    std::optional<std::size_t> ready;
    double ready_load = 0;
    std::optional<std::size_t> soonest;
    Turn soonest_turn{};
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      if (!keys_[key].fits(tokens)) continue;
      fits = true;
      if (kept[key]) continue;
      const Turn turn = keys_[key].next(tokens, share, now);
      if (turn.at <= now) {
        const double load = keys_[key].load(now);
        if (!ready || load < ready_load) {
          ready = key;
          ready_load = load;
        }
      } else if (!soonest || turn.at < soonest_turn.at) {
        soonest = key;
        soonest_turn = turn;
      }
    }
    if (ready || !fits) return Pick{*place, ready};
    if (!soonest) continue;
    kept[*soonest] = true;
    ++kept_keys;
    wake_at(soonest_turn.at);
    if (binding_ == Binding::nothing) binding_ = soonest_turn.waits_for;
  }
  return std::nullopt;
}

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
      asking.push_back({probe_request, {options_.probe_tokens, Lane::interactive}});
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

Dispatch::InFlight Dispatch::send(std::size_t key, std::uint64_t tokens, TimePoint now) {
  spending_.sent(tokens);
  return {key, tokens, keys_[key].add(tokens, now), now, std::nullopt};
}

Blame Dispatch::settle(const Grant& grant, const Receipt& receipt, TimePoint now) {
  const auto found = in_flight_.find(grant.ticket);
  assert(found != in_flight_.end());
  const InFlight request = found->second;
  in_flight_.erase(found);
  end(request, receipt, now);
  return breaker_.answered(receipt.answer, now);
}

void Dispatch::settle_probe(const Receipt& receipt, TimePoint now) {
  assert(probe_);
  const InFlight request = *std::exchange(probe_, std::nullopt);
  end(request, receipt, now);
  breaker_.probed(receipt.answer, now);
}

void Dispatch::end(const InFlight& request, const Receipt& receipt, TimePoint now) {
  keys_[request.key].settle(request.entry, request.sent_at, receipt, now);
  spending_.answered(request.tokens, receipt);
  if (request.lease) {
    const Lease& lease = *request.lease;
    const std::uint64_t tokens = receipt.tokens.value_or(lease.tokens);
    const Duration late =
        std::max(Duration{0}, receipt.sent_at.value_or(lease.valid_until) - lease.valid_until);
    if (tokens != lease.tokens || late > Duration{0}) {
      fleet_->ended({lease, tokens, true, late}, now);
    }
  }
  switch (receipt.answer) {
    case Answer::embedded:
      totals_.tokens_used += receipt.tokens.value_or(request.tokens);
      break;
    case Answer::rate_limited:
      ++totals_.rate_limited;
      break;
    case Answer::failed:
      ++totals_.failures;
      break;
    case Answer::key_refused: {
      std::string names;
      for (const KeyBudget& key : keys_) {
        if (!key.is_refused()) return;
        names += (names.empty() ? "" : ", ") + key.name();
      }
      close(ErrorKind::permanent, options_.endpoint + " refuses every key (" + names +
                                      "): check that they are valid and have credit");
      break;
    }
    case Answer::misconfigured:
      close(ErrorKind::permanent, "the embedding service " + options_.endpoint +
                                      " is misconfigured: check its address and the model's name");
      break;
    case Answer::refused_input:
    case Answer::nonsense:
      break;
  }
}

void Dispatch::stop() {
  close(ErrorKind::cancelled, "stopped");
}

void Dispatch::close(ErrorKind kind, std::string message) {
  if (!closed_) closed_ = Error{kind, std::move(message)};
}

void Dispatch::close_as_spent() {
  close(ErrorKind::cancelled, "--max-tokens " + std::to_string(*options_.tokens_max) + " is spent");
}

Error Dispatch::too_large(std::uint64_t tokens) const {
  const KeyBudget* largest = nullptr;
  for (const KeyBudget& key : keys_) {
    if (key.is_refused()) continue;
    if (largest == nullptr || key.tokens_max() > largest->tokens_max()) largest = &key;
  }
  assert(largest != nullptr);  // where every key is refused, everything is
  return {ErrorKind::permanent,
          "a request of " + std::to_string(tokens) + " tokens is more than the " +
              std::to_string(*largest->tokens_max()) + " tokens a minute of key " +
              largest->name() + ": use a smaller --request-tokens or --chunk-tokens"};
}

void Dispatch::wake_at(TimePoint at) {
  if (at == TimePoint::max()) return;  // an answer comes first
  if (!next_wake_ || at < *next_wake_) next_wake_ = at;
}

ThrottleState Dispatch::state(TimePoint now) {
  ThrottleState state;
  for (KeyBudget& key : keys_) state.keys.push_back(key.state(now));
  for (const Lane lane : all_lanes) {
    state.lanes[index_of(lane)] = {waiting_.requests(lane), waiting_.tokens(lane)};
  }
  state.requests_in_flight = in_flight_.size();
  state.endpoint_down = breaker_.is_open();
  if (const std::optional<TimePoint> at = breaker_.probe_at()) {
    state.next_probe_in = std::max(Duration{0}, *at - now);
  }
  state.binding = binding_;
  if (fleet_) state.shared_budget_failure = fleet_->failure();
  state.totals = totals_;
  return state;
}

}  // namespace penstock
