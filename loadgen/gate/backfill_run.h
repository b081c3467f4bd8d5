// One run of a build: `penstock backfill` of a corpus into a store of its own.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "loadgen/gate/build.h"
#include "loadgen/gate/gate_record.h"
#include "loadgen/gate/job.h"

namespace penstock {

struct BackfillRun {
  Values values;  // those of run_metrics() that it gave, without the controls
  std::string store;
};

// Into `folder`, which exists and is empty. Absent: `interrupted` became true, and the run was
// ended. Throws FatalError, with what the program said, when it did not end as a backfill ends.
// Blocks, on the thread that ends last.
std::optional<BackfillRun> run_backfill(const Build& build, const GateJob& job,
                                        const std::string& corpus, const std::string& folder,
                                        const std::atomic<bool>& interrupted);

}  // namespace penstock
