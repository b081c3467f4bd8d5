// The command line's options, a function a command: adds it to the program, or to `emulate`, and
// returns it. The options outlive the parser.
#pragma once

#include "cli/options.h"

namespace CLI {
class App;
}

namespace penstock {

// command_options.cc
CLI::App& add_command(CLI::App& app, BackfillOptions& options);
CLI::App& add_command(CLI::App& app, EnqueueOptions& options);
CLI::App& add_command(CLI::App& app, WorkerOptions& options);
CLI::App& add_command(CLI::App& app, SearchOptions& options);
CLI::App& add_command(CLI::App& app, StatusOptions& options);
CLI::App& add_command(CLI::App& app, ExportOptions& options);
CLI::App& add_command(CLI::App& app, RetryOptions& options);
CLI::App& add_command(CLI::App& app, FsckOptions& options);
CLI::App& add_command(CLI::App& app, DoctorOptions& options);

// serve_options.cc
CLI::App& add_command(CLI::App& app, ServeOptions& options);
CLI::App& add_command(CLI::App& keys, KeysAddOptions& options);
CLI::App& add_command(CLI::App& keys, KeysListOptions& options);
CLI::App& add_command(CLI::App& keys, KeysRemoveOptions& options);

// capacity_options.cc
CLI::App& add_command(CLI::App& app, CapacityOptions& options);

// gate_options.cc
CLI::App& add_command(CLI::App& app, GateOptions& options);

// emulate_options.cc
CLI::App& add_command(CLI::App& emulate, EmulateOpenAiOptions& options);
CLI::App& add_command(CLI::App& emulate, EmulatePineconeOptions& options);
CLI::App& add_command(CLI::App& emulate, EmulateS3Options& options);

}  // namespace penstock
