// Runs a pipeline over a queue and shows it: what backfill, retry, fsck --repair and worker share.
#pragma once

#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/run_counts.h"
#include "cli/summary.h"
#include "cli/wiring.h"
#include "engine/io/work_queue.h"

namespace penstock {

// What a pipeline's run came to; ends the extraction processes, to count their CPU time. Throws
// FatalError if the run failed: its store or its embedding service was of no use.
RunSummary summarise(const Result<void>& ran, Engine& engine, const RunCounter& counter,
                     const Interrupt& interrupt, TimePoint started);

// Ends what an interrupted run left, then works until the queue is exhausted or the user
// interrupts; `observe`, if given, sees each document. Throws FatalError when the store fails.
RunSummary run_pipeline(Engine& engine, Store& store, WorkQueue& queue, PipelineOptions options,
                        const Expected& expected, Interrupt& interrupt, bool json,
                        const Pipeline::Observer& observe = {});

// The same over the documents that the ledger holds as pending; prints the summary and returns the
// exit code.
int process_pending(Engine& engine, Store& store, const StoreOptions& options, Interrupt& interrupt,
                    bool json);

}  // namespace penstock
