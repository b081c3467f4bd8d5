#include <CLI/CLI.hpp>

#include "cli/command_options.h"
#include "cli/option_groups.h"

namespace penstock {
namespace {

constexpr const char* capacity_help =
    "Exit codes: 0 every target is met; 10 one is missed, or a document was lost or is there\n"
    "twice; 12 the run could not measure; 13 it needs more documents; 2 the profile is "
    "impossible,\n"
    "whatever the system. The key of a service that is there is in PENSTOCK_API_KEY.";

}  // namespace

CLI::App& add_command(CLI::App& app, CapacityOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "capacity", "Drives a load, and tells which targets are met and what is in the way");
  command.footer(capacity_help);
  command.add_option("PROFILE", options.profile, "What to load, how, and the targets (TOML)")
      ->required();
  command
      .add_option(
          "--report", options.report,
          "Write report.html, report.json, report.xml, report.md, arrivals.csv and samples.csv "
          "into DIR")
      ->type_name("DIR");
  command.add_option("--seed", options.seed, "Of arrivals and documents (default: the profile's)");
  command.add_flag("--keep", options.keep, "Leave the folder of a system that was started");
  add_json(command, options.json, "report.json on standard output");
  return command;
}

}  // namespace penstock
