#include <CLI/CLI.hpp>

#include "cli/command_options.h"
#include "cli/option_groups.h"

namespace penstock {
namespace {

constexpr const char* serve_help =
    "With nothing else said it is a whole service on this machine: documents, queue and vectors "
    "in\n"
    "one file, uploads in a folder beside it, and the work done in this process. With --queue and\n"
    "--ledger on servers it is a front of a fleet, and `penstock worker` does the work.\n"
    "Without --api-keys it has one user, of this machine. Links to contents are signed with\n"
    "PENSTOCK_LINK_SECRET; without one they end with the process.";

}  // namespace

CLI::App& add_command(CLI::App& app, ServeOptions& options) {
  options.engine.documents_in_flight = 50;
  options.engine.embedder.interactive_share = 0.1;
  CLI::App& command =
      *app.add_subcommand("serve", "Takes uploads, tells how they get on, finds and delivers them");
  command.footer(serve_help);
  command.add_option("--listen", options.listen, "Where to listen")
      ->type_name("HOST:PORT")
      ->capture_default_str()
      ->group("Service");
  command
      .add_option("--blobs", options.blobs,
                  "Where uploads are kept: a folder, or s3://BUCKET/PREFIX (default: the store's "
                  "file with .blobs)")
      ->type_name("PLACE")
      ->group("Service");
  command
      .add_option("--workers", options.workers,
                  "Works in this process, with so many times --concurrency; 0: only a front "
                  "(default: 1 with a queue in a file, else 0)")
      ->check(CLI::Range(0, 64))
      ->group("Service");
  command.add_option("--region", options.region, "Of documents that name none")
      ->type_name("NAME")
      ->group("Service");
  CLI::Option* certificate = command
                                 .add_option("--certificate", options.certificate_file,
                                             "PEM of the certificate and its chain: serves by TLS")
                                 ->type_name("FILE")
                                 ->group("Guard");
  CLI::Option* key = command.add_option("--certificate-key", options.key_file, "PEM of its key")
                         ->type_name("FILE")
                         ->group("Guard");
  certificate->needs(key);
  key->needs(certificate);
  command
      .add_option("--api-keys", options.api_keys,
                  "Who may ask: API keys, made with penstock keys add")
      ->type_name("FILE")
      ->group("Guard");
  command
      .add_option("--interactive-depth", options.interactive_depth,
                  "Refuses uploads (429) while so many documents wait in the interactive lane")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Guard");
  command.add_option("--bulk-depth", options.bulk_depth, "The same of the bulk lane")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Guard");
  command
      .add_option("--interactive-age", options.interactive_age_s,
                  "Refuses interactive uploads while one has waited for so many seconds")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str()
      ->group("Guard");
  add_fleet(command, options.fleet);
  add_queue(command, options.queue);
  add_json(command, options.json, "JSON lines: where it serves, and what fails");
  add_store(command, options.store);
  add_engine(command, options.engine, "--concurrency,--documents-in-flight");
  return command;
}

namespace {

void add_api_keys_file(CLI::App& command, std::string& api_keys) {
  command.add_option("--api-keys", api_keys, "The file")->type_name("FILE")->required();
}

}  // namespace

CLI::App& add_command(CLI::App& keys, KeysAddOptions& options) {
  CLI::App& command = *keys.add_subcommand("add", "Makes a key, and shows it this once");
  add_api_keys_file(command, options.api_keys);
  command.add_option("--tenant", options.tenant, "Whose documents it reaches, and no others")
      ->required();
  command
      .add_option("--scope", options.scopes,
                  "What it may: upload, read, admin, metrics (default: upload and read)")
      ->check(CLI::IsMember({"upload", "read", "admin", "metrics"}));
  command.add_option("--requests-per-minute", options.requests_per_minute,
                     "At each front of the service (default: as many as it likes)");
  add_size(command, "--document-bytes", options.document_bytes,
           "The largest document that it may upload", "");
  add_json(command, options.json, "A JSON object");
  return command;
}

CLI::App& add_command(CLI::App& keys, KeysListOptions& options) {
  CLI::App& command = *keys.add_subcommand("list", "Whose keys there are, and what they may");
  add_api_keys_file(command, options.api_keys);
  add_json(command, options.json, "One JSON object a key");
  return command;
}

CLI::App& add_command(CLI::App& keys, KeysRemoveOptions& options) {
  CLI::App& command = *keys.add_subcommand("remove", "Ends a key; it is of no use a second later");
  add_api_keys_file(command, options.api_keys);
  command.add_option("ID", options.id, "The key's id, as list shows it")->required();
  return command;
}

}  // namespace penstock
