#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>
#include <variant>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "engine/core/error.h"
#include "engine/stages/extract/extractor_pool.h"

namespace penstock {
namespace {

struct Run {
  int operator()(const BackfillOptions& options) const { return run_backfill(options); }
  int operator()(const EnqueueOptions& options) const { return run_enqueue(options); }
  int operator()(const WorkerOptions& options) const { return run_worker(options); }
  int operator()(const ServeOptions& options) const { return run_serve(options); }
  int operator()(const KeysAddOptions& options) const { return run_keys_add(options); }
  int operator()(const KeysListOptions& options) const { return run_keys_list(options); }
  int operator()(const KeysRemoveOptions& options) const { return run_keys_remove(options); }
  int operator()(const SearchOptions& options) const { return run_search(options); }
  int operator()(const StatusOptions& options) const { return run_status(options); }
  int operator()(const ExportOptions& options) const { return run_export(options); }
  int operator()(const RetryOptions& options) const { return run_retry(options); }
  int operator()(const FsckOptions& options) const { return run_fsck(options); }
  int operator()(const DoctorOptions& options) const { return run_doctor(options); }
  int operator()(const CapacityOptions& options) const { return run_capacity(options); }
  int operator()(const GateOptions& options) const { return run_gate(options); }
  int operator()(const EmulateOpenAiOptions& options) const { return run_emulate_openai(options); }
  int operator()(const EmulatePineconeOptions& options) const {
    return run_emulate_pinecone(options);
  }
  int operator()(const EmulateS3Options& options) const { return run_emulate_s3(options); }
};

int run(int argc, char** argv) {
  int exit_code = exit_done;
  if (run_extractor_child_if_asked(argc, argv, exit_code)) return exit_code;
  // A reader that went away and a file at its size limit are errors where they are met.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const std::optional<Command> command = parse_command_line(argc, argv, exit_code);
    if (command) exit_code = std::visit(Run(), *command);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
    std::fputs("penstock: not all of the output could be written; is its disk full?\n", stderr);
    return exit_fatal;
  } catch (const std::system_error& error) {
    // The reader of a pipe has seen enough, as head(1) does.
    if (error.code() != std::errc::broken_pipe)
      std::fprintf(stderr, "penstock: %s\n", error.what());
    return exit_fatal;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "penstock: %s\n", error.what());
    return exit_fatal;
  }
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  return penstock::run(argc, argv);
}
