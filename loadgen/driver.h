// Sends what is due when it is due, and never waits for the system with it: what is late because
// something was slow is late by the arrival's own record.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "loadgen/destination.h"
#include "loadgen/journal.h"
#include "loadgen/profile.h"
#include "loadgen/schedule.h"

namespace penstock {

struct DriverOptions {
  std::string name_prefix;  // of the names that documents are sent under; their number follows
  std::chrono::nanoseconds drain_max{0};
  // Told when a phase begins, by its index; from the driver's thread.
  std::function<void(std::size_t)> phase_begins = [](std::size_t) {};
};

// Returns when the last document is due and was sent, not when it has ended; earlier when the
// journal was stopped. The records are of those phases that have begun.
std::vector<PhaseRecord> drive(const std::vector<Phase>& phases, const Schedule& schedule,
                               const ContentOf& content_of, Destination& destination,
                               Journal& journal, const DriverOptions& options);

}  // namespace penstock
