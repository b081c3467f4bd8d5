// What a run says at its end: for a person, or as one JSON object.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/exit_codes.h"
#include "cli/run_counts.h"
#include "engine/stages/throttle/throttle_state.h"

namespace penstock {

struct RunSummary {
  RunCounts counts;
  std::uint64_t pruned = 0;
  bool dry_run = false;
  bool interrupted = false;
  bool drained = false;                // asked to stop, as is right for a worker
  std::string stopped;                 // why, if the quota refused to go on
  std::optional<ThrottleState> quota;  // absent: embedded without a service
  std::optional<double> price_per_million;
  std::chrono::duration<double> wall{0};
  std::chrono::duration<double> cpu_engine{0};      // user and system, of this process
  std::chrono::duration<double> cpu_extraction{0};  // of the extraction processes

  // Of what the service embedded; absent without a price.
  std::optional<double> cost() const {
    if (!quota || !price_per_million) return std::nullopt;
    return static_cast<double>(quota->totals.tokens_used) / 1e6 * *price_per_million;
  }
  ExitCode exit_code() const {
    if (interrupted || !stopped.empty()) return exit_interrupted;
    if (drained) return exit_done;
    return counts.failed > 0 ? exit_some_failed : exit_done;
  }
};

// `store` is options, for the commands that it suggests.
void print_summary(const RunSummary& summary, const std::string& store, bool json);

}  // namespace penstock
