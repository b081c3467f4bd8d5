#include <CLI/CLI.hpp>

#include "cli/command_options.h"
#include "cli/option_groups.h"

namespace penstock {
namespace {

constexpr const char* gate_help =
    "BUILD is a build folder, as .../build/release, or a penstock program in one.\n"
    "Exit codes: 0 the candidate is no worse; 11 it is slower, larger, or its content is another;\n"
    "12 the machine moved, so nothing is proven; 13 it needs more pairs.";

}  // namespace

CLI::App& add_command(CLI::App& app, GateOptions& options) {
  CLI::App& command =
      *app.add_subcommand("gate", "Whether a build is slower, or worse, than another");
  command.footer(gate_help);
  command.add_option("PROFILE", options.profile, "The work of a run (TOML; default: a built-in)");
  CLI::Option* const micro =
      command
          .add_option("--micro", options.micro,
                      "Compares programs of Google Benchmark instead, or JSON files of theirs")
          ->type_name("BASELINE CANDIDATE")
          ->expected(2);
  command.add_option("--baseline", options.baseline, "The build before")
      ->type_name("BUILD")
      ->excludes(micro);
  command.add_option("--candidate", options.candidate, "The build that is judged")
      ->type_name("BUILD")
      ->excludes(micro);
  command.final_callback([&options] {
    if (options.micro.empty() && (options.baseline.empty() || options.candidate.empty()))
      throw CLI::RequiredError("--baseline and --candidate, or --micro");
  });
  command
      .add_option("--report", options.report,
                  "Write gate.html, gate.json, gate.xml and gate.md into DIR")
      ->type_name("DIR");
  command.add_option("--history", options.history, "Add a line to FILE, and warn of its trend")
      ->type_name("FILE");
  command.add_option("--seed", options.seed, "Of the order of runs")->capture_default_str();
  command
      .add_option("--pairs-max", options.pairs_max,
                  "Pairs of runs at most; fewer if that decides it, less than 10 say nothing")
      ->check(CLI::Range(1u, 1'000u))
      ->capture_default_str();
  command.add_flag("--accept-content", options.accept_content,
                   "Other text, chunks or search results are meant, and no regression");
  add_json(command, options.json, "gate.json on standard output");
  return command;
}

}  // namespace penstock
