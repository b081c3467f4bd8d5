// How far a document has come: for its record, and for who watches (engine/io/events.h).
#pragma once

#include <optional>

#include "engine/core/clock.h"
#include "engine/io/events.h"
#include "engine/pipeline/job.h"

namespace penstock {

// Of no removal anything is told. Never blocks; called by whoever holds the job.
class Milestones {
 public:
  // Absent: nobody watches.
  explicit Milestones(Events* events) : events_(events) {}

  // One of those between `started` and `stored`, each of which has its time.
  void reach(Job& job, Milestone milestone, WallTime at = wall_now()) const {
    constexpr auto first = static_cast<std::size_t>(Milestone::started);
    job.reached.*all_document_times.at(static_cast<std::size_t>(milestone) - first) = at;
    if (is_told(job)) events_->publish({job.claim.key, milestone, job.lane, at, {}, {}});
  }

  // Once the outcome is durable: the time of that is part of it.
  void tell_done(const Job& job) const {
    if (is_told(job))
      events_->publish(
          {job.claim.key, Milestone::done, job.lane, *job.reached.done, job.outcome, job.message});
  }

 private:
  bool is_told(const Job& job) const { return events_ != nullptr && !job.claim.is_removal(); }

  Events* const events_;
};

}  // namespace penstock
