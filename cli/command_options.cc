#include "cli/command_options.h"

#include <CLI/CLI.hpp>

#include "cli/option_groups.h"

namespace penstock {
namespace {

constexpr const char* worker_help =
    "An interrupt or SIGTERM drains: documents in work end, the others are the queue's again. "
    "Then\n"
    "the exit code is 0, whatever their outcomes: a worker has no end of its own. A second one "
    "ends\n"
    "it at once (130); its documents are started again when their leases end. With --until-empty "
    "it\n"
    "is 3 if some documents failed.";

constexpr const char* export_help =
    "A line for a document ({\"event\":\"document\",...}), then one for each of its chunks\n"
    "({\"event\":\"chunk\",...}), in the order of keys. A chunk repeats its predecessor's end:\n"
    "its characters up to the predecessor's char_end. Times are milliseconds since 1970.";

constexpr const char* status_help =
    "With --queue, how the fleet is, and no --store is needed for that:\n"
    "  queue       documents of each lane that wait, are in work, or wait for another attempt, "
    "and\n"
    "              how long the oldest has waited\n"
    "  rates       of the last minute, or since a worker started; what failed is a share of the\n"
    "              documents\n"
    "  quota       of each API key that workers share: what of a minute's limits is used now\n"
    "  workers     that gave a sign within the lease, with their cores, memory and rates\n"
    "In a terminal narrower than a worker's line its name is cut; --json has everything whole.";

}  // namespace

CLI::App& add_command(CLI::App& app, BackfillOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "backfill", "Makes every document under SOURCE searchable; run it again to resume");
  add_sources(command, options.sources);
  command
      .add_flag("--prune", options.prune,
                "Also remove from the store what has vanished from the folders")
      ->group("Sources");
  command.add_flag("--dry-run", options.dry_run,
                   "Only count documents, pages, exact tokens and duplicates, and say what "
                   "embedding them would cost and take");
  add_json(command, options.json, "JSON lines: each document, progress, and a summary");
  add_store(command, options.store);
  add_engine(command, options.engine);
  return command;
}

CLI::App& add_command(CLI::App& app, EnqueueOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "enqueue", "Feeds every document under SOURCE to a queue, for a fleet of workers");
  add_sources(command, options.sources);
  add_fleet(command, options.fleet)->required();
  add_objects(command, options.objects);
  command.add_option("--lane", options.lane, "Who waits: somebody (interactive), or nobody")
      ->check(CLI::IsMember({"interactive", "bulk"}))
      ->capture_default_str()
      ->group("Queue");
  command
      .add_option("--documents-max", options.documents_max,
                  "Waits while a lane holds so many documents")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Queue");
  add_json(command, options.json, "JSON lines: progress, and a summary");
  return command;
}

CLI::App& add_command(CLI::App& app, WorkerOptions& options) {
  options.engine.documents_in_flight = 50;
  CLI::App& command = *app.add_subcommand(
      "worker", "Takes documents from a queue and makes them searchable; many on many machines");
  command.footer(worker_help);
  add_fleet(command, options.fleet)->required();
  add_queue(command, options.queue);
  command
      .add_flag("--until-empty", options.until_empty,
                "Ends when nothing waits or is in work any more, anywhere")
      ->group("Queue");
  add_json(command, options.json, "JSON lines: each document, progress, and a summary");
  add_store(command, options.store);
  add_engine(command, options.engine, "--concurrency,--documents-in-flight");
  return command;
}

CLI::App& add_command(CLI::App& app, SearchOptions& options) {
  CLI::App& command = *app.add_subcommand("search", "Finds the chunks nearest to QUERY");
  command.add_option("QUERY", options.query, "What to look for")->required();
  command.add_option("-n,--hits", options.hits, "Chunks to show")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--path", options.path_glob, "Only documents whose path matches")
      ->type_name("GLOB");
  add_json(command, options.json, "One JSON object a hit");
  add_store(command, options.store);
  add_embedder(command, options.embedder);
  return command;
}

CLI::App& add_command(CLI::App& app, StatusOptions& options) {
  CLI::App& command = *app.add_subcommand("status", "What the ledger says, and how a fleet is");
  command.footer(status_help);
  command.add_flag("--failed", options.failed, "List the documents that failed, and why");
  command.add_flag("--warnings", options.warnings,
                   "List the documents that are done and lack something, and what");
  command.add_option("--outcome", options.outcomes, "List the documents of this outcome")
      ->type_name("NAME");
  add_json(command, options.json, "One JSON object; with a list, one a document first");
  add_store(command, options.store);
  add_fleet(command, options.fleet);
  return command;
}

CLI::App& add_command(CLI::App& app, ExportOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "export", "Every document, its outcome and its chunks with their text, as JSON lines");
  command.footer(export_help);
  command.add_option("--path", options.path_glob, "Only documents whose path matches")
      ->type_name("GLOB");
  command.add_flag("--documents-only", options.documents_only, "Without the chunks");
  add_store(command, options.store);
  return command;
}

CLI::App& add_command(CLI::App& app, RetryOptions& options) {
  CLI::App& command =
      *app.add_subcommand("retry",
                          "Puts documents back and processes them again; with --queue, "
                          "queues dead letters for the workers");
  command.add_flag("--failed", options.failed, "All that failed");
  command.add_option("--outcome", options.outcomes, "All of this outcome")->type_name("NAME");
  command.add_option("KEY", options.keys, "These documents");
  add_json(command, options.json, "JSON lines, as of backfill");
  add_store(command, options.store);
  add_fleet(command, options.fleet);
  add_engine(command, options.engine);
  return command;
}

CLI::App& add_command(CLI::App& app, FsckOptions& options) {
  CLI::App& command = *app.add_subcommand("fsck", "Compares the ledger with the vector store");
  command.add_flag("--repair", options.repair,
                   "Remove what is stale, and process again what is incomplete");
  add_json(command, options.json, "JSON lines: each finding, and a summary");
  add_store(command, options.store);
  add_engine(command, options.engine);
  return command;
}

CLI::App& add_command(CLI::App& app, DoctorOptions& options) {
  CLI::App& command =
      *app.add_subcommand("doctor", "What is reachable, which versions, what is misconfigured");
  add_json(command, options.json, "One JSON object a check");
  add_store(command, options.store);
  add_fleet(command, options.fleet);
  add_embedder(command, options.embedder);
  return command;
}

}  // namespace penstock
