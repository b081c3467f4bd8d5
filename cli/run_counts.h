// What a run has done so far: counted by the pipeline's observer, read by the progress display.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_set>

#include "engine/core/clock.h"
#include "engine/core/ids.h"
#include "engine/pipeline/pipeline.h"

namespace penstock {

struct RunCounts {
  std::array<std::uint64_t, all_outcomes.size()> documents{};  // by outcome
  std::uint64_t seen = 0;                                      // the sum of documents
  std::uint64_t failed = 0;      // of these, those whose outcome is a failure
  std::uint64_t unchanged = 0;   // of these, those whose outcome is an earlier run's
  std::uint64_t duplicates = 0;  // of these, those whose content was seen under another key
  std::uint64_t made = 0;        // of these, those that became done in this run
  std::uint64_t warned = 0;      // of these, those whose text lacks something
  std::uint64_t removed = 0;     // apart from these: taken out of the store, as their claims asked
  std::uint64_t bytes = 0;       // all of what follows without the unchanged
  std::uint64_t pages = 0;
  std::uint64_t chunks = 0;
  std::uint64_t tokens = 0;
  std::uint64_t cached_tokens = 0;  // of these, those that needed no request
  StageTimes stages;

  std::uint64_t of(Outcome outcome) const { return documents[static_cast<std::size_t>(outcome)]; }
};

class RunCounter {
 public:
  void count(const FinishedDocument& document);
  RunCounts counts() const;

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  RunCounts counts_;
  std::unordered_set<VersionId> versions_;
};

}  // namespace penstock
