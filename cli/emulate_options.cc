#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/command_options.h"
#include "cli/option_groups.h"
#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/s3_emulator.h"

namespace penstock {
namespace {

constexpr const char* openai_help =
    "Each key has a bucket of requests and one of tokens, which hold a minute's limit, start full\n"
    "and are refilled continuously. What does not fit is answered 429, and takes a request all "
    "the\n"
    "same. GET /stats tells, of all keys and of each that was used:\n"
    "  requests, tokens      admitted; what is answered by a fault took its quota, too\n"
    "  answered_*            answered with vectors, whole and right: what a bill would hold\n"
    "  permitted_*           the limit x the time from the first request to the last (seconds)\n"
    "  utilisation           tokens / permitted_tokens; a full bucket at the beginning adds up to\n"
    "                        one minute's limit, so it may be above 1\n"
    "  steady_utilisation    the same without the first minute\n"
    "  violations            requests refused for quota; faults and outages are none\n"
    "  max_overshoot_*       by how much any 60 seconds of what was asked for exceeded the limit,\n"
    "                        full bucket or not\n"
    "GET /stats/history tells what was admitted each second, POST /stats/reset begins the account\n"
    "anew, POST /outage?seconds=N answers 503 for so long.";

constexpr const char* pinecone_help =
    "Serves pinecone://HOST:PORT, with the service's limits. A write is visible only later: its\n"
    "answer carries a number (x-pinecone-request-lsn), and that of a query the last one that it "
    "saw\n"
    "(x-pinecone-max-indexed-lsn). GET /stats tells what was asked, answered and refused, and how\n"
    "large the largest upsert was. What was stored is gone when it ends.";

constexpr const char* s3_help =
    "Path-style requests: objects, ListObjectsV2, uploads in parts. Every signature is verified;\n"
    "a client has AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as\n"
    "given here. GET /_stats tells what was asked for.";

std::vector<std::string> names_of(std::span<const FaultKind> kinds) {
  std::vector<std::string> names;
  for (const FaultKind kind : kinds) names.emplace_back(name_of(kind));
  return names;
}

void add_emulator(CLI::App& app, EmulatorOptions& options,
                  const std::vector<std::string>& fault_kinds) {
  app.add_option("--listen", options.listen, "Where to serve; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--latency", options.latency,
                 "How long an answer takes, or least and most: half of the answers take less than "
                 "a sixteenth of the way from one to the other")
      ->type_name("TIME[-TIME]")
      ->capture_default_str();
  app.add_option("--seed", options.seed,
                 "Of times and faults: the same seed and order of requests, the same answers")
      ->capture_default_str();
  add_json(app, options.json, "The address and the totals as JSON lines");

  app.add_option("--faults", options.faults,
                 "So much of what would be answered goes wrong: 0.05 is one request in twenty")
      ->type_name("FRACTION")
      ->check(within(0.0, 1.0))
      ->capture_default_str()
      ->group("Faults");
  app.add_option("--fault", options.fault_kinds, "Only faults of this kind; may be repeated")
      ->type_name("KIND")
      ->check(CLI::IsMember(fault_kinds))
      ->group("Faults");
}

}  // namespace

CLI::App& add_command(CLI::App& emulate, EmulateOpenAiOptions& options) {
  CLI::App& command = *emulate.add_subcommand(
      "openai", "OpenAI's embeddings, with strict quotas, latencies and faults, until Ctrl-C");
  command.footer(openai_help);
  add_emulator(command, options.emulator, {fault_names.begin(), fault_names.end()});
  command.add_option("--requests-per-minute", options.requests_per_minute, "What a key may ask")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str()
      ->group("Quota");
  command
      .add_option("--tokens-per-minute", options.tokens_per_minute, "What a key may have embedded")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str()
      ->group("Quota");
  command
      .add_option("--key", options.keys,
                  "A key with limits of its own, once for each; NAME is what clients send, and no "
                  "other key is taken. Without any, each key that is sent has the limits above")
      ->type_name("NAME:RPM:TPM")
      ->group("Quota");
  command
      .add_option("--poison", options.poison, "An input that holds TEXT is refused with status 400")
      ->type_name("TEXT")
      ->group("Faults");
  command
      .add_option("--poison-500", options.poison_500, "An input that holds TEXT is answered 500")
      ->type_name("TEXT")
      ->group("Faults");
  return command;
}

CLI::App& add_command(CLI::App& emulate, EmulatePineconeOptions& options) {
  CLI::App& command = *emulate.add_subcommand(
      "pinecone", "An index of Pinecone, with its limits, delays and faults, until Ctrl-C");
  command.footer(pinecone_help);
  add_emulator(command, options.emulator, names_of(answer_fault_kinds));
  command.add_option("--api-key", options.api_key, "The only key that is taken; without, any is")
      ->type_name("KEY");
  command.add_option("--dimensions", options.dimensions, "Of the index's vectors")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  command
      .add_option("--visibility", options.visibility,
                  "After how long a write is visible, or least and most")
      ->type_name("TIME[-TIME]")
      ->capture_default_str();
  command
      .add_option("--upserts-per-second", options.upserts_per_second,
                  "What a namespace may be asked; more is answered 429")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Quota");
  add_size(command, "--bytes-per-second", options.bytes_per_second,
           "What its upserts may hold, likewise [50M]", "Quota");
  return command;
}

CLI::App& add_command(CLI::App& emulate, EmulateS3Options& options) {
  CLI::App& command = *emulate.add_subcommand(
      "s3", "S3's objects, with signatures verified, latencies and faults, until Ctrl-C");
  command.footer(s3_help);
  add_emulator(command, options.emulator, names_of(s3_fault_kinds));
  command
      .add_option("--folder", options.folder,
                  "Serve the files in DIR, whose subfolders are buckets, and keep there what is "
                  "written; without it, objects are in memory")
      ->type_name("DIR");
  command
      .add_option("--bucket", options.buckets,
                  "A bucket there is; may be repeated. Without any, one is made when it is written "
                  "to")
      ->type_name("NAME");
  command.add_option("--region", options.region, "The region that requests must be signed for")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Access");
  command.add_option("--access-key", options.access_key, "The key that may do everything")
      ->type_name("KEY")
      ->capture_default_str()
      ->group("Access");
  command.add_option("--secret-key", options.secret_key, "Its secret, for rehearsals only")
      ->type_name("SECRET")
      ->capture_default_str()
      ->group("Access");
  return command;
}

}  // namespace penstock
