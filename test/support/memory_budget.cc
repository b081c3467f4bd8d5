#include "test/support/memory_budget.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace penstock {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr std::int64_t micros(Duration duration) {
  return duration_cast<microseconds>(duration).count();
}

// Slots that end their time within ask_again_max; later ones are not looked at.
constexpr std::int64_t slot_micros = micros(budget_slot);

std::int64_t slot_at(std::int64_t at) {
  return at / slot_micros;
}

// The first moment at which a slot no longer counts.
std::int64_t gone_at(std::int64_t slot) {
  return (slot + 1) * slot_micros + micros(budget_slot_held);
}

}  // namespace

void BudgetMemory::lose() {
  remembers_ = false;
}

LeaseAnswer BudgetMemory::lease(const LeaseCall& call, bool has_leased_lately,
                                std::uint64_t& epoch) {
  const TimePoint called_at = clock_();
  const Micros now = micros(called_at.time_since_epoch());
  if (!remembers_) begin_anew(now);
  if (has_leased_lately && epoch != epoch_ && !filled_) fill();
  epoch = epoch_;

  for (Key& key : keys_) {
    key.taken = false;
    expire(key, now);
  }
  for (const LeaseEnd& ended : call.ends) {
    if (ended.lease.memory == epoch_) end(ended);
  }
  for (const KeyReport& report : call.reports) {
    Key& key = keys_[report.key];
    const KeyQuota& configured = terms_.keys[report.key];
    const auto lower = [](std::uint64_t limit, std::uint64_t said) {
      return said == 0 ? limit : std::min(limit, said);
    };
    if (report.pause > Duration{0})
      key.paused_until = std::max(key.paused_until, now + micros(report.pause));
    if (report.requests_per_minute + report.tokens_per_minute > 0) {
      key.requests_per_minute = lower(configured.requests_per_minute, report.requests_per_minute);
      key.tokens_per_minute = lower(configured.tokens_per_minute, report.tokens_per_minute);
    }
  }

  LeaseAnswer answer;
  for (std::size_t index = 0; index < call.wishes.size(); ++index) {
    const Wish& wish = call.wishes[index];
    std::optional<std::size_t> ready;
    double ready_load = 0;
    std::optional<std::size_t> soonest;
    Turn soonest_turn;
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      const Key& key = keys_[k];
      if (!call.usable[k] || key.taken || wish.tokens > key.tokens_per_minute) continue;
      const Turn at = turn(key, wish, now);
      if (at.at <= now) {
        const double load = std::max(
            static_cast<double>(key.used.tokens) / static_cast<double>(key.tokens_per_minute),
            static_cast<double>(key.used.requests) / static_cast<double>(key.requests_per_minute));
        if (!ready || load < ready_load) {
          ready = k;
          ready_load = load;
        }
      } else if (!soonest || at.at < soonest_turn.at) {
        soonest = k;
        soonest_turn = at;
      }
    }
    if (ready) {
      grant(keys_[*ready], wish, now);
      answer.leases.push_back({index, *ready, wish.tokens, static_cast<std::uint64_t>(slot_at(now)),
                               epoch_, called_at + lease_valid_for});
      continue;
    }
    Micros ask_at = now + micros(ask_again_max);
    if (soonest) {
      Key& key = keys_[*soonest];
      key.taken = true;
      ask_at = std::min(ask_at, soonest_turn.at);
      if (wish.lane == Lane::interactive) {
        key.kept_until = std::max(key.kept_until, ask_at + micros(interactive_grace));
      } else {
        key.bulk_waits_until = std::max(key.bulk_waits_until, ask_at + micros(bulk_grace));
      }
    }
    std::optional<Denial>& denial = answer.denials[index_of(wish.lane)];
    if (!denial) denial = Denial{microseconds(ask_at - now), soonest_turn.what};
  }
  for (const Key& key : keys_) {
    answer.keys.push_back({key.requests_per_minute, key.tokens_per_minute, key.used.requests,
                           key.used.tokens,
                           microseconds(std::max<Micros>(key.paused_until - now, 0))});
  }
  return answer;
}

void BudgetMemory::begin_anew(Micros now) {
  remembers_ = true;
  ++epoch_;
  filled_ = false;
  created_at_ = now;
  keys_.clear();
  for (const KeyQuota& configured : terms_.keys) {
    Key key;
    key.requests_per_minute = configured.requests_per_minute;
    key.tokens_per_minute = configured.tokens_per_minute;
    key.first = slot_at(now);
    keys_.push_back(key);
  }
}

void BudgetMemory::fill() {
  filled_ = true;
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    const KeyQuota& configured = terms_.keys[k];
    Key& key = keys_[k];
    if (slot_at(created_at_) < key.first) continue;
    Slot& slot = key.slots[slot_at(created_at_)];
    slot.tokens += configured.tokens_per_minute;
    slot.requests += configured.requests_per_minute;
    key.used.tokens += configured.tokens_per_minute;
    key.used.requests += configured.requests_per_minute;
  }
}

void BudgetMemory::expire(Key& key, Micros now) {
  while (!key.slots.empty() && gone_at(key.slots.begin()->first) <= now) {
    key.used.tokens -= key.slots.begin()->second.tokens;
    key.used.requests -= key.slots.begin()->second.requests;
    key.slots.erase(key.slots.begin());
  }
  key.first = std::max(key.first, slot_at(now - micros(budget_slot_held)));
}

void BudgetMemory::end(const LeaseEnd& end) {
  Key& key = keys_[end.lease.key];
  const auto slot = static_cast<std::int64_t>(end.lease.slot);
  const std::int64_t moved = slot + (micros(end.late) + slot_micros - 1) / slot_micros;
  const std::uint64_t tokens = end.sent ? end.tokens : 0;
  const std::uint64_t requests = end.sent ? 1 : 0;
  if (slot >= key.first) {
    key.slots[slot].tokens -= end.lease.tokens;
    key.slots[slot].requests -= 1;
    key.used.tokens -= end.lease.tokens;
    key.used.requests -= 1;
    *key.tokens_credit_zero_at += refill_time(tokens, key.tokens_per_minute) -
                                  refill_time(end.lease.tokens, key.tokens_per_minute);
    *key.requests_credit_zero_at +=
        refill_time(requests, key.requests_per_minute) - refill_time(1, key.requests_per_minute);
  }
  if (moved >= key.first) {
    key.slots[moved].tokens += tokens;
    key.slots[moved].requests += requests;
    key.used.tokens += tokens;
    key.used.requests += requests;
  }
}

void BudgetMemory::grant(Key& key, const Wish& wish, Micros now) {
  Slot& slot = key.slots[slot_at(now)];
  slot.tokens += wish.tokens;
  slot.requests += 1;
  key.used.tokens += wish.tokens;
  key.used.requests += 1;
  const auto pay = [&](std::optional<Micros>& zero_at, std::uint64_t amount, std::uint64_t limit) {
    zero_at = std::max(zero_at.value_or(now), now - micros(burst_max)) + refill_time(amount, limit);
  };
  pay(key.tokens_credit_zero_at, wish.tokens, key.tokens_per_minute);
  pay(key.requests_credit_zero_at, 1, key.requests_per_minute);
  if (wish.lane == Lane::bulk) {
    key.bulk_waited_for -=
        std::min(key.bulk_waited_for, interactive_tokens_a_bulk_token * wish.tokens);
  } else {
    key.bulk_waited_for = key.bulk_waits_until > now ? key.bulk_waited_for + wish.tokens : 0;
  }
}

BudgetMemory::Turn BudgetMemory::turn(const Key& key, const Wish& wish, Micros now) const {
  Turn turn{now, Scarce::tokens};
  const auto wait_for = [&turn](Micros at, Scarce what) {
    if (at > turn.at) turn = {at, what};
  };
  const bool may_use_reserve =
      wish.lane == Lane::interactive ||
      (key.bulk_waited_for > 0 &&
       key.bulk_waited_for >= interactive_tokens_a_bulk_token * wish.tokens);
  const auto wait_for_limit = [&](std::uint64_t Slot::*amounts, std::uint64_t amount,
                                  std::uint64_t limit, const std::optional<Micros>& credit_zero_at,
                                  Scarce what) {
    if (!may_use_reserve && credit_zero_at) wait_for(*credit_zero_at, what);
    const std::uint64_t room = may_use_reserve ? limit : limit - reserved(limit);
    wait_for(room_at(key, amounts, amount, room, now), what);
  };
  wait_for_limit(&Slot::tokens, wish.tokens, key.tokens_per_minute, key.tokens_credit_zero_at,
                 Scarce::tokens);
  wait_for_limit(&Slot::requests, 1, key.requests_per_minute, key.requests_credit_zero_at,
                 Scarce::requests);
  if (!may_use_reserve) wait_for(key.kept_until, Scarce::tokens);
  wait_for(key.paused_until, Scarce::pause);
  return turn;
}

BudgetMemory::Micros BudgetMemory::room_at(const Key& key, std::uint64_t Slot::*what,
                                           std::uint64_t amount, std::uint64_t room,
                                           Micros now) const {
  std::uint64_t used = key.used.*what;
  if (used == 0 || used + amount <= room) return now;
  for (const auto& [slot, sums] : key.slots) {
    if (gone_at(slot) >= now + micros(ask_again_max)) break;
    used -= sums.*what;
    if (used == 0 || used + amount <= room) return gone_at(slot);
  }
  return now + micros(ask_again_max);
}

std::uint64_t BudgetMemory::reserved(std::uint64_t limit) const {
  const auto part =
      static_cast<std::uint64_t>(static_cast<double>(limit) * terms_.interactive_share);
  return std::min(part, limit - 1);
}

BudgetMemory::Micros BudgetMemory::refill_time(std::uint64_t amount, std::uint64_t limit) const {
  const auto paced = static_cast<double>(limit - reserved(limit));
  return static_cast<Micros>(std::ceil(static_cast<double>(amount) / paced *
                                       static_cast<double>(micros(budget_window_held))));
}

Result<LeaseAnswer> MemoryBudget::lease(const LeaseCall& call) {
  if (!is_reachable) return retryable_error("the budget cannot be reached");
  const TimePoint now = memory_.now();
  const bool has_leased_lately = leased_at_ && now <= *leased_at_ + budget_window_held;
  LeaseAnswer answer = memory_.lease(call, has_leased_lately, epoch_);
  if (!answer.leases.empty()) leased_at_ = now;
  return answer;
}

}  // namespace penstock
