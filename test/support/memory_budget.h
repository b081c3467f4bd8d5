// A budget in this process, in simulated time: for tests, and the model of what Redis does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "engine/io/shared_budget.h"

namespace penstock {

// What a server remembers. One thread at a time.
class BudgetMemory {
 public:
  BudgetMemory(BudgetTerms terms, std::function<TimePoint()> clock)
      : terms_(std::move(terms)), clock_(std::move(clock)) {}

  // `epoch`: the memory that answered the caller last, 0 if none has; from then on the one in
  // force.
  LeaseAnswer lease(const LeaseCall& call, bool has_leased_lately, std::uint64_t& epoch);
  void lose();

  const BudgetTerms& terms() const { return terms_; }
  TimePoint now() const { return clock_(); }

 private:
  using Micros = std::int64_t;
  struct Slot {
    std::uint64_t tokens = 0;
    std::uint64_t requests = 0;
  };
  struct Key {
    std::uint64_t requests_per_minute = 0;  // in force
    std::uint64_t tokens_per_minute = 0;
    std::map<std::int64_t, Slot> slots;
    std::int64_t first = 0;  // slot that may still count
    Slot used;
    std::optional<Micros> tokens_credit_zero_at;
    std::optional<Micros> requests_credit_zero_at;
    Micros paused_until = 0;
    Micros kept_until = 0;  // for an interactive request
    Micros bulk_waits_until = 0;
    std::uint64_t bulk_waited_for = 0;  // interactive tokens
    bool taken = false;                 // in this call, by a wish that waits for it
  };
  struct Turn {
    Micros at = 0;
    Scarce what = Scarce::tokens;
  };

  void begin_anew(Micros now);
  void fill();
  void expire(Key& key, Micros now);
  void end(const LeaseEnd& end);
  void grant(Key& key, const Wish& wish, Micros now);
  Turn turn(const Key& key, const Wish& wish, Micros now) const;
  Micros room_at(const Key& key, std::uint64_t Slot::*what, std::uint64_t amount,
                 std::uint64_t room, Micros now) const;
  std::uint64_t reserved(std::uint64_t limit) const;
  Micros refill_time(std::uint64_t amount, std::uint64_t limit) const;

  const BudgetTerms terms_;
  const std::function<TimePoint()> clock_;
  std::uint64_t epoch_ = 0;
  bool remembers_ = false;
  bool filled_ = false;
  Micros created_at_ = 0;
  std::vector<Key> keys_;
};

class MemoryBudget final : public SharedBudget {
 public:
  explicit MemoryBudget(BudgetMemory& memory) : memory_(memory) {}

  std::string name() const override { return "memory"; }
  Result<LeaseAnswer> lease(const LeaseCall& call) override;

  bool is_reachable = true;

 private:
  BudgetMemory& memory_;
  std::uint64_t epoch_ = 0;
  std::optional<TimePoint> leased_at_;
};

}  // namespace penstock
