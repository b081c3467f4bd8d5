// One function a command, each in its own cmd_*.cc. They return the exit code, and throw FatalError
// for what makes the command pointless.
#pragma once

#include "cli/options.h"

namespace penstock {

int run_backfill(const BackfillOptions& options);
int run_enqueue(const EnqueueOptions& options);
int run_worker(const WorkerOptions& options);
int run_serve(const ServeOptions& options);
int run_keys_add(const KeysAddOptions& options);
int run_keys_list(const KeysListOptions& options);
int run_keys_remove(const KeysRemoveOptions& options);
int run_search(const SearchOptions& options);
int run_status(const StatusOptions& options);
int run_export(const ExportOptions& options);
int run_retry(const RetryOptions& options);
int run_fsck(const FsckOptions& options);
int run_doctor(const DoctorOptions& options);
int run_capacity(const CapacityOptions& options);
int run_gate(const GateOptions& options);
int run_emulate_openai(const EmulateOpenAiOptions& options);
int run_emulate_pinecone(const EmulatePineconeOptions& options);
int run_emulate_s3(const EmulateS3Options& options);

}  // namespace penstock
