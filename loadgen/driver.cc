#include "loadgen/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace penstock {
namespace {

// Documents made before they are due. Their own parts are a few kilobytes each.
constexpr std::size_t ahead_max = 2'048;
// With less time than this until one is due, no other is made.
constexpr Offset slack{std::chrono::milliseconds(2)};
// Of a client of a closed model whose document was not taken.
constexpr Offset rest{std::chrono::seconds(1)};

std::string described(const Phase& phase) {
  const double seconds = phase.length.count();
  const std::string load = fmt::format("{:g} documents/s", phase.per_second);
  switch (phase.plan) {
    case ArrivalPlan::constant:
      return fmt::format("constant, {} for {:g} s", load, seconds);
    case ArrivalPlan::poisson:
      return fmt::format("at random, {} for {:g} s", load, seconds);
    case ArrivalPlan::ramp:
      return fmt::format("from {:g} to {} in {:g} s", phase.from_per_second, load, seconds);
    case ArrivalPlan::spike:
      return fmt::format("{:g}, in the middle third {} for {:g} s", phase.from_per_second, load,
                         seconds);
    case ArrivalPlan::burst:
      return phase.times == 1 ? fmt::format("burst of {}", phase.documents)
                              : fmt::format("{} bursts of {}", phase.times, phase.documents);
    case ArrivalPlan::replay:
      return "as recorded in " + phase.trace;
    case ArrivalPlan::closed:
      return fmt::format("{} clients for {:g} s", phase.concurrency, seconds);
  }
  return {};
}

PhaseRecord record_of(const Phase& phase, Offset begin) {
  PhaseRecord record;
  record.name = phase.name;
  record.plan = described(phase);
  record.begin = begin;
  record.end = begin;
  record.is_warm_up = phase.is_warm_up;
  if (phase.plan == ArrivalPlan::constant || phase.plan == ArrivalPlan::poisson)
    record.documents_per_second = phase.per_second;
  record.concurrency = phase.concurrency;
  return record;
}

class Driver {
 public:
  Driver(const std::vector<Phase>& phases, const ContentOf& content_of, Destination& destination,
         Journal& journal, const DriverOptions& options)
      : phases_(phases),
        content_of_(content_of),
        destination_(destination),
        journal_(journal),
        options_(options) {}

  std::vector<PhaseRecord> run(const Schedule& schedule) {
    for (const Stretch& stretch : schedule) {
      if (journal_.is_stopped()) break;
      begin(stretch);
      if (stretch.clients > 0) {
        send_in_turn(stretch);
      } else {
        send_when_due(stretch);
      }
      end(stretch);
    }
    return std::move(records_);
  }

 private:
  void begin(const Stretch& stretch) {
    // What the first moments need is there when they come.
    if (stretch.clients == 0) {
      while (ready_.size() < ahead_max && has_time_until(next_begin_) && make_next(stretch)) {
      }
    }
    // A stretch that follows another begins when that was planned to end, whatever happened.
    begin_ = next_begin_.value_or(journal_.now());
    if (!phase_ || *phase_ != stretch.phase) {
      phase_ = stretch.phase;
      records_.push_back(record_of(phases_[stretch.phase], begin_));
      options_.phase_begins(stretch.phase);
    }
  }

  void send_when_due(const Stretch& stretch) {
    for (const Due& due : stretch.due) {
      const Offset intended = begin_ + due.at;
      while (ready_.empty() || (ready_.size() < ahead_max && has_time_until(intended)))
        if (!make_next(stretch)) break;
      if (!wait_until(intended)) return;
      Shipment shipment = std::move(ready_.front());
      ready_.pop_front();
      send(std::move(shipment), stretch, due.kind, intended);
    }
    wait_until(begin_ + stretch.length);
  }

  void send_in_turn(const Stretch& stretch) {
    const Offset end = begin_ + stretch.length;
    std::uint64_t missing = journal_.counts().missing;
    std::deque<Offset> resting;  // until when, by client
    while (journal_.now() < end && !journal_.is_stopped()) {
      make_next(stretch);
      const Offset wake = resting.empty() ? end : std::min(end, resting.front());
      journal_.wait(journal_.begin() + wake, [&](const Journal::Counts& counts) {
        return counts.missing > missing || counts.in_flight() + resting.size() < stretch.clients;
      });
      const Journal::Counts counts = journal_.counts();
      for (; missing < counts.missing; ++missing) resting.push_back(journal_.now() + rest);
      while (!resting.empty() && resting.front() <= journal_.now()) resting.pop_front();
      if (counts.in_flight() + resting.size() >= stretch.clients || journal_.now() >= end) continue;
      Shipment shipment = std::move(ready_.front());
      ready_.pop_front();
      send(std::move(shipment), stretch, kind_at(stretch, made_ - 1), journal_.now());
    }
    // What was made for a client that did not come for it is made again by its number.
    number_ -= ready_.size();
    ready_.clear();
  }

  void end(const Stretch& stretch) {
    made_ = 0;
    next_begin_ = begin_ + stretch.length;
    if (stretch.is_drained_after) {
      journal_.wait(std::chrono::steady_clock::now() + options_.drain_max,
                    [](const Journal::Counts& counts) { return counts.in_flight() == 0; });
      next_begin_.reset();
    }
    records_.back().end = next_begin_ ? *next_begin_ : journal_.now();
    if (journal_.is_stopped()) records_.back().end = std::min(records_.back().end, journal_.now());
    if (stretch.pause_after > Offset{0}) {
      const Offset until = (next_begin_ ? *next_begin_ : journal_.now()) + stretch.pause_after;
      wait_until(until);
      if (next_begin_) next_begin_ = until;
    }
  }

  static std::uint32_t kind_at(const Stretch& stretch, std::size_t place) {
    return stretch.due[place % stretch.due.size()].kind;
  }

  // To make another document. Absent: nothing is due yet.
  bool has_time_until(std::optional<Offset> moment) const {
    return !moment || journal_.now() + slack < *moment;
  }

  // False if the stretch has no other.
  bool make_next(const Stretch& stretch) {
    if (stretch.clients > 0 ? !ready_.empty() : made_ == stretch.due.size()) return false;
    Shipment shipment;
    shipment.number = number_++;
    shipment.name = fmt::format("{}{}.pdf", options_.name_prefix, shipment.number);
    shipment.lane = phases_[stretch.phase].lane;
    shipment.content = content_of_(shipment.number, kind_at(stretch, made_++));
    ready_.push_back(std::move(shipment));
    return true;
  }

  void send(Shipment shipment, const Stretch& stretch, std::uint32_t kind, Offset intended) {
    Arrival arrival;
    arrival.phase = static_cast<std::uint32_t>(records_.size() - 1);
    arrival.kind = kind;
    arrival.lane = phases_[stretch.phase].lane;
    arrival.bytes = shipment.content.bytes;
    arrival.intended = intended;
    journal_.due(std::move(arrival));
    destination_.send(std::move(shipment));
  }

  // False if the run is stopped.
  bool wait_until(Offset moment) {
    journal_.sleep_until(journal_.begin() + moment);
    return !journal_.is_stopped();
  }

  const std::vector<Phase>& phases_;
  const ContentOf& content_of_;
  Destination& destination_;
  Journal& journal_;
  const DriverOptions& options_;

  std::vector<PhaseRecord> records_;
  std::optional<std::uint32_t> phase_;
  Offset begin_{0};                   // of the stretch
  std::optional<Offset> next_begin_;  // absent: at once
  std::deque<Shipment> ready_;        // of the stretch, in order
  std::size_t made_ = 0;              // of the stretch
  std::uint64_t number_ = 0;          // of the next that is made
};

}  // namespace

std::vector<PhaseRecord> drive(const std::vector<Phase>& phases, const Schedule& schedule,
                               const ContentOf& content_of, Destination& destination,
                               Journal& journal, const DriverOptions& options) {
  return Driver(phases, content_of, destination, journal, options).run(schedule);
}

}  // namespace penstock
