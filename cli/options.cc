#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <string>

#include "cli/exit_codes.h"
#include "loadgen/emulate/fault_plan.h"
#include "loadgen/emulate/s3_emulator.h"

namespace penstock {
namespace {

constexpr const char* exit_code_help =
    "Exit codes: 0 done; 1 fatal, the message says what to do; 2 usage; 3 finished, but some\n"
    "documents failed; 130 stopped early, by an interrupt or a budget, after what was in flight\n"
    "was finished: run it again to go on.";

const std::vector<std::pair<std::string, std::uint64_t>> size_units = {
    {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}};

CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                      const std::string& help, const std::string& group = "Limits") {
  return app.add_option(name, bytes, help)
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, std::uint64_t>(size_units.begin(), size_units.end()),
          CLI::AsNumberWithUnit::CASE_INSENSITIVE))
      ->type_name("SIZE")
      ->group(group);
}

void add_store(CLI::App& app, StoreOptions& options) {
  app.add_option("--store", options.store, "File of ledger and vectors")
      ->envname("PENSTOCK_STORE")
      ->type_name("PATH")
      ->capture_default_str()
      ->group("Store");
  app.add_option(
         "--ledger", options.ledger,
         "Ledger elsewhere: sqlite:PATH, or postgres://USER@HOST/DATABASE, through PgBouncer "
         "if you like; a password is better in PGPASSWORD, ~/.pgpass or PENSTOCK_LEDGER")
      ->envname("PENSTOCK_LEDGER")
      ->type_name("URL")
      ->group("Store");
  app.add_option("--vectors", options.vectors,
                 "Vectors elsewhere: sqlite:PATH, pgvector:postgres://..., pgvector: for the "
                 "ledger's database, or pinecone://INDEX-HOST[/NAMESPACE], with PINECONE_API_KEY")
      ->envname("PENSTOCK_VECTORS")
      ->type_name("URL")
      ->group("Store");
}

void add_objects(CLI::App& app, ObjectOptions& options) {
  app.add_option("--s3-endpoint", options.endpoint,
                 "Where s3:// is, if not at AWS: Supabase, MinIO, R2. Credentials are in "
                 "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN")
      ->envname("AWS_ENDPOINT_URL_S3")
      ->type_name("URL")
      ->group("Objects");
  app.add_option("--s3-region", options.region, "Its region")
      ->envname("AWS_REGION")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Objects");
}

void add_sources(CLI::App& app, SourceOptions& options) {
  app.add_option("SOURCE", options.sources,
                 "Folders, files, s3://BUCKET[/PREFIX], a manifest (.jsonl), or - for a list of "
                 "paths on standard input")
      ->required();
  app.add_option("--include", options.include, "Take only what matches")
      ->type_name("GLOB")
      ->group("Sources");
  app.add_option("--exclude", options.exclude, "Leave out what matches; wins")
      ->type_name("GLOB")
      ->group("Sources");
}

CLI::Option* add_fleet(CLI::App& app, FleetOptions& options) {
  app.add_option("--queue-name", options.queue, "Several queues may share a server")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Queue");
  return app
      .add_option(
          "--queue", options.queue_url,
          "A fleet's queue: redis://[:PASSWORD@]HOST[:PORT], redis+cluster://HOST:PORT,..., "
          "or sqlite:PATH for processes of one machine; a password is better in "
          "PENSTOCK_QUEUE")
      ->envname("PENSTOCK_QUEUE")
      ->type_name("URL")
      ->group("Queue");
}

void add_embedder(CLI::App& app, EmbedderOptions& options) {
  app.add_option("--embedder", options.url,
                 "What makes vectors. openai:BASE-URL is any service with OpenAI's protocol. "
                 "lexical: is local and free, and finds words, not meanings: hashed words and word "
                 "pairs")
      ->envname("PENSTOCK_EMBEDDER")
      ->type_name("URL")
      ->capture_default_str()
      ->group("Embedder");
  app.add_option("--model", options.model, "The service's model")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Embedder");
  app.add_option("--dimensions", options.dimensions,
                 "Asks the model for vectors of this length, if it can make others than its own")
      ->check(CLI::Range(1, 65'536))
      ->group("Embedder");
  app.add_option(
         "--key", options.keys,
         "An API key and its limits, NAME:REQUESTS-PER-MINUTE:TOKENS-PER-MINUTE; the secret "
         "is in PENSTOCK_API_KEY_NAME. Without any, it is in PENSTOCK_API_KEY or "
         "OPENAI_API_KEY, or there is none")
      ->type_name("NAME:RPM:TPM")
      ->group("Embedder");
  app.add_option("--keys-file", options.keys_file, "Secrets, a line NAME=SECRET each")
      ->envname("PENSTOCK_KEYS_FILE")
      ->type_name("PATH")
      ->group("Embedder");
  app.add_option("--requests-per-minute", options.requests_per_minute,
                 "Limit of a key that says nothing else; without, what the service says")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->group("Embedder");
  app.add_option("--tokens-per-minute", options.tokens_per_minute, "Likewise, of tokens")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}))
      ->group("Embedder");
  app.add_option("--interactive-share", options.interactive_share,
                 "Part of every limit that bulk work leaves alone, so that what somebody waits for "
                 "leaves at once; it is lost where nobody waits")
      ->check(CLI::Range(0.0, 0.9))
      ->type_name("FRACTION")
      ->capture_default_str()
      ->group("Embedder");
  app.add_option("--requests-in-flight", options.requests_in_flight,
                 "Embedding requests under way at once, at most")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group("Embedder");
  app.add_option("--request-inputs", options.request_inputs,
                 "Chunks of one request, at most; OpenAI takes 2048")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str()
      ->group("Embedder");
  app.add_option("--request-tokens", options.request_tokens,
                 "Tokens of one request, at most, counted and as OpenAI estimates them")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Embedder");
  app.add_option("--request-timeout", options.request_timeout_s,
                 "Seconds after which a request without an answer is made again")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group("Embedder");
}

void add_engine(CLI::App& app, EngineOptions& options,
                const std::string& in_flight = "--documents-in-flight") {
  add_embedder(app, options.embedder);
  add_objects(app, options.objects);
  app.add_option("--price-per-million", options.price_per_million,
                 "What a million tokens cost, to tell what a run costs")
      ->check(CLI::Range(0.0, 1e6))
      ->group("Budget");
  app.add_option("--max-tokens", options.tokens_max,
                 "Stops before this run has embedded more tokens; the next run goes on")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000'000}))
      ->group("Budget");
  app.add_option("--max-cost", options.cost_max, "Stops before this run has cost more")
      ->check(CLI::Range(0.0, 1e12))
      ->needs("--price-per-million")
      ->group("Budget");
  add_size(
      app, "--embedding-cache", options.embedding_cache_bytes,
      "What embedded chunks may take in the ledger, so that none is paid for twice; the oldest "
      "make room [8G]",
      "Budget");
  app.add_option("--encoding", options.encoding, "Tokens are those of this encoding")
      ->check(CLI::IsMember({"cl100k_base", "o200k_base"}))
      ->capture_default_str()
      ->group("Engine");
  app.add_option("--chunk-tokens", options.chunk_tokens, "Tokens of a chunk, at most")
      ->check(CLI::Range(16, 8192))
      ->capture_default_str()
      ->group("Engine");
  app.add_option("--overlap-tokens", options.overlap_tokens,
                 "Tokens a chunk repeats of the one before, at most")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group("Engine");
  app.add_option("--extractor", options.extractor,
                 "What reads PDFs: penstock, or Poppler's own text output, which is slower")
      ->check(CLI::IsMember({"penstock", "poppler"}))
      ->capture_default_str()
      ->group("Engine");
  app.add_option("--extractors", options.extractors, "Extraction processes; 0 is one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group("Limits");
  app.add_option("--document-timeout", options.document_timeout_s,
                 "Seconds of CPU time that extraction may take for one document")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str()
      ->group("Limits");
  add_size(app, "--document-memory", options.document_memory,
           "Memory that extraction may take for one document [512M]");
  add_size(app, "--document-bytes", options.document_bytes,
           "A larger document is too_large and not read [256M]");
  app.add_option(in_flight, options.documents_in_flight,
                 "Documents in work at once, at most; a quarter more that somebody waits for")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str()
      ->group("Limits");
  add_size(app, "--bytes-in-flight", options.bytes_in_flight,
           "Bytes of documents in work at once, at most [64M]");
}

// CLI11 asks the environment only for what the file leaves open; ours is the other way round.
class FileBelowEnvironment final : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> entries = CLI::ConfigTOML::from_config(input);
    std::erase_if(entries, [](const CLI::ConfigItem& entry) {
      std::string name = "PENSTOCK_" + entry.name;
      std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
      return getenv(name.c_str()) != nullptr;
    });
    return entries;
  }
};

void add_json(CLI::App& app, bool& json, const std::string& help) {
  app.add_flag("--json", json, help);
}

constexpr const char* emulate_openai_help =
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

void add_emulate_openai(CLI::App& app, EmulateOpenAiOptions& options) {
  app.footer(emulate_openai_help);
  app.add_option("--listen", options.listen, "Where to serve; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--latency", options.latency,
                 "How long an answer takes, or least and most: half of the answers take less than "
                 "a sixteenth of the way from one to the other")
      ->type_name("TIME[-TIME]")
      ->capture_default_str();
  app.add_option("--seed", options.seed,
                 "Of latencies and faults: the same seed and order of requests, the same answers")
      ->capture_default_str();
  add_json(app, options.json, "The address and the totals as JSON lines");

  app.add_option("--requests-per-minute", options.requests_per_minute, "What a key may ask")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str()
      ->group("Quota");
  app.add_option("--tokens-per-minute", options.tokens_per_minute, "What a key may have embedded")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str()
      ->group("Quota");
  app.add_option("--key", options.keys,
                 "A key with limits of its own, once for each; NAME is what clients send, and no "
                 "other key is taken. Without any, each key that is sent has the limits above")
      ->type_name("NAME:RPM:TPM")
      ->group("Quota");

  app.add_option("--faults", options.faults,
                 "So much of what would be answered goes wrong: 0.05 is one request in twenty")
      ->type_name("FRACTION")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group("Faults");
  app.add_option("--fault", options.fault_kinds, "Only faults of this kind; may be repeated")
      ->type_name("KIND")
      ->check(CLI::IsMember(std::vector<std::string>(fault_names.begin(), fault_names.end())))
      ->group("Faults");
  app.add_option("--poison", options.poison, "An input that holds TEXT is refused with status 400")
      ->type_name("TEXT")
      ->group("Faults");
  app.add_option("--poison-500", options.poison_500, "An input that holds TEXT is answered 500")
      ->type_name("TEXT")
      ->group("Faults");
}

constexpr const char* emulate_pinecone_help =
    "Serves pinecone://HOST:PORT, with the service's limits. A write is visible only later: its\n"
    "answer carries a number (x-pinecone-request-lsn), and that of a query the last one that it "
    "saw\n"
    "(x-pinecone-max-indexed-lsn). GET /stats tells what was asked, answered and refused, and how\n"
    "large the largest upsert was. What was stored is gone when it ends.";

void add_emulate_pinecone(CLI::App& app, EmulatePineconeOptions& options) {
  app.footer(emulate_pinecone_help);
  app.add_option("--listen", options.listen, "Where to serve; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--api-key", options.api_key, "The only key that is taken; without, any is")
      ->type_name("KEY");
  app.add_option("--dimensions", options.dimensions, "Of the index's vectors")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  app.add_option("--latency", options.latency,
                 "How long an answer takes, or least and most, as of emulate openai")
      ->type_name("TIME[-TIME]")
      ->capture_default_str();
  app.add_option("--visibility", options.visibility,
                 "After how long a write is visible, or least and most")
      ->type_name("TIME[-TIME]")
      ->capture_default_str();
  app.add_option("--seed", options.seed,
                 "Of times and faults: the same seed and order of requests, the same answers")
      ->capture_default_str();
  add_json(app, options.json, "The address and the totals as JSON lines");

  app.add_option("--upserts-per-second", options.upserts_per_second,
                 "What a namespace may be asked; more is answered 429")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Quota");
  add_size(app, "--bytes-per-second", options.bytes_per_second,
           "What its upserts may hold, likewise [50M]", "Quota");

  app.add_option("--faults", options.faults,
                 "So much of what would be answered goes wrong: 0.05 is one request in twenty")
      ->type_name("FRACTION")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group("Faults");
  std::vector<std::string> kinds;
  for (const FaultKind kind : answer_fault_kinds) kinds.emplace_back(name_of(kind));
  app.add_option("--fault", options.fault_kinds, "Only faults of this kind; may be repeated")
      ->type_name("KIND")
      ->check(CLI::IsMember(kinds))
      ->group("Faults");
}

constexpr const char* emulate_s3_help =
    "Path-style requests: objects, ListObjectsV2, uploads in parts. Every signature is verified;\n"
    "a client has AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as\n"
    "given here. GET /_stats tells what was asked for.";

std::vector<std::string> s3_fault_names() {
  std::vector<std::string> names;
  for (const FaultKind kind : s3_fault_kinds) names.emplace_back(name_of(kind));
  return names;
}

void add_emulate_s3(CLI::App& app, EmulateS3Options& options) {
  app.footer(emulate_s3_help);
  app.add_option("--listen", options.listen, "Where to serve; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--folder", options.folder,
                 "Serve the files in DIR, whose subfolders are buckets, and keep there what is "
                 "written; without it, objects are in memory")
      ->type_name("DIR");
  app.add_option("--bucket", options.buckets,
                 "A bucket there is; may be repeated. Without any, one is made when it is written "
                 "to")
      ->type_name("NAME");
  app.add_option("--latency", options.latency, "How long an answer takes, or least and most")
      ->type_name("TIME[-TIME]")
      ->capture_default_str();
  app.add_option("--seed", options.seed,
                 "Of latencies and faults: the same seed and order of requests, the same answers")
      ->capture_default_str();
  add_json(app, options.json, "The address and the totals as JSON lines");

  app.add_option("--region", options.region, "The region that requests must be signed for")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Access");
  app.add_option("--access-key", options.access_key, "The key that may do everything")
      ->type_name("KEY")
      ->capture_default_str()
      ->group("Access");
  app.add_option("--secret-key", options.secret_key, "Its secret, for rehearsals only")
      ->type_name("SECRET")
      ->capture_default_str()
      ->group("Access");

  app.add_option("--faults", options.faults,
                 "So much of what would be answered goes wrong: 0.05 is one request in twenty")
      ->type_name("FRACTION")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group("Faults");
  app.add_option("--fault", options.fault_kinds, "Only faults of this kind; may be repeated")
      ->type_name("KIND")
      ->check(CLI::IsMember(s3_fault_names()))
      ->group("Faults");
}

}  // namespace

std::optional<Command> parse_command_line(int argc, char** argv, int& exit_code) {
  CLI::App app{
      "Feeds documents through extraction, chunking, embedding and storage, as fast as "
      "the limits allow."};
  app.name("penstock");
  app.set_version_flag("--version", "penstock " PENSTOCK_VERSION);
  app.set_config("--config", "penstock.toml", "File with options, one section a command");
  app.config_formatter(std::make_shared<FileBelowEnvironment>());
  // A misspelt option would otherwise be its default, without a word.
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.require_subcommand(1);
  app.footer(exit_code_help);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    std::string words = error.what();
    constexpr std::string_view unknown_in_file = "INI was not able to parse ";
    if (words.starts_with(unknown_in_file))
      words.replace(0, unknown_in_file.size(), "the configuration file has an unknown option ");
    return "penstock: " + words + "; see penstock --help\n";
  });

  BackfillOptions backfill;
  CLI::App& backfill_app = *app.add_subcommand(
      "backfill", "Makes every document under SOURCE searchable; run it again to resume");
  add_sources(backfill_app, backfill.sources);
  backfill_app
      .add_flag("--prune", backfill.prune,
                "Also remove from the store what has vanished from the folders")
      ->group("Sources");
  backfill_app.add_flag("--dry-run", backfill.dry_run,
                        "Only count documents, pages, exact tokens and duplicates, and say what "
                        "embedding them would cost and take");
  add_json(backfill_app, backfill.json, "JSON lines: each document, progress, and a summary");
  add_store(backfill_app, backfill.store);
  add_engine(backfill_app, backfill.engine);

  EnqueueOptions enqueue;
  CLI::App& enqueue_app = *app.add_subcommand(
      "enqueue", "Feeds every document under SOURCE to a queue, for a fleet of workers");
  add_sources(enqueue_app, enqueue.sources);
  add_fleet(enqueue_app, enqueue.fleet)->required();
  add_objects(enqueue_app, enqueue.objects);
  enqueue_app.add_option("--lane", enqueue.lane, "Who waits: somebody (interactive), or nobody")
      ->check(CLI::IsMember({"interactive", "bulk"}))
      ->capture_default_str()
      ->group("Queue");
  enqueue_app
      .add_option("--documents-max", enqueue.documents_max,
                  "Waits while a lane holds so many documents")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->group("Queue");
  add_json(enqueue_app, enqueue.json, "JSON lines: progress, and a summary");

  WorkerOptions worker;
  worker.engine.documents_in_flight = 50;
  CLI::App& worker_app = *app.add_subcommand(
      "worker", "Takes documents from a queue and makes them searchable; many on many machines");
  add_fleet(worker_app, worker.fleet)->required();
  worker_app
      .add_option("--lease", worker.lease_s,
                  "Seconds after a worker's death by which its documents are started again")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group("Queue");
  worker_app
      .add_option("--attempts", worker.attempts_max,
                  "Tries of a document, before it is a dead letter")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->group("Queue");
  worker_app
      .add_option("--retry-after", worker.backoff_s,
                  "Seconds before the second try; they double for each further one")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group("Queue");
  worker_app
      .add_option(
          "--drain-timeout", worker.drain_timeout_s,
          "Seconds that documents in work have to end after an interrupt; then they go back "
          "to the queue, and the worker ends")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str()
      ->group("Queue");
  worker_app
      .add_flag("--until-empty", worker.until_empty,
                "Ends when nothing waits or is in work any more, anywhere")
      ->group("Queue");
  add_json(worker_app, worker.json, "JSON lines: each document, progress, and a summary");
  add_store(worker_app, worker.store);
  add_engine(worker_app, worker.engine, "--concurrency,--documents-in-flight");

  SearchOptions search;
  CLI::App& search_app = *app.add_subcommand("search", "Finds the chunks nearest to QUERY");
  search_app.add_option("QUERY", search.query, "What to look for")->required();
  search_app.add_option("-n,--hits", search.hits, "Chunks to show")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  search_app.add_option("--path", search.path_glob, "Only documents whose path matches")
      ->type_name("GLOB");
  add_json(search_app, search.json, "One JSON object a hit");
  add_store(search_app, search.store);
  add_embedder(search_app, search.embedder);

  StatusOptions status;
  CLI::App& status_app = *app.add_subcommand("status", "What the ledger says");
  status_app.add_flag("--failed", status.failed, "List the documents that failed, and why");
  status_app.add_flag("--warnings", status.warnings,
                      "List the documents that are done and lack something, and what");
  status_app.add_option("--outcome", status.outcomes, "List the documents of this outcome")
      ->type_name("NAME");
  add_json(status_app, status.json, "One JSON object; with a list, one a document first");
  add_store(status_app, status.store);
  add_fleet(status_app, status.fleet);

  RetryOptions retry;
  CLI::App& retry_app =
      *app.add_subcommand("retry",
                          "Puts documents back and processes them again; with --queue, "
                          "queues dead letters for the workers");
  retry_app.add_flag("--failed", retry.failed, "All that failed");
  retry_app.add_option("--outcome", retry.outcomes, "All of this outcome")->type_name("NAME");
  retry_app.add_option("KEY", retry.keys, "These documents");
  add_json(retry_app, retry.json, "JSON lines, as of backfill");
  add_store(retry_app, retry.store);
  add_fleet(retry_app, retry.fleet);
  add_engine(retry_app, retry.engine);

  FsckOptions fsck;
  CLI::App& fsck_app = *app.add_subcommand("fsck", "Compares the ledger with the vector store");
  fsck_app.add_flag("--repair", fsck.repair,
                    "Remove what is stale, and process again what is incomplete");
  add_json(fsck_app, fsck.json, "JSON lines: each finding, and a summary");
  add_store(fsck_app, fsck.store);
  add_engine(fsck_app, fsck.engine);

  DoctorOptions doctor;
  CLI::App& doctor_app =
      *app.add_subcommand("doctor", "What is reachable, which versions, what is misconfigured");
  add_json(doctor_app, doctor.json, "One JSON object a check");
  add_store(doctor_app, doctor.store);
  add_fleet(doctor_app, doctor.fleet);
  add_embedder(doctor_app, doctor.embedder);

  EmulateOpenAiOptions emulate_openai;
  CLI::App& emulate_app =
      *app.add_subcommand("emulate", "Runs a service on this machine to rehearse a backfill with");
  emulate_app.require_subcommand(1);
  CLI::App& emulate_openai_app = *emulate_app.add_subcommand(
      "openai", "OpenAI's embeddings, with strict quotas, latencies and faults, until Ctrl-C");
  add_emulate_openai(emulate_openai_app, emulate_openai);
  EmulatePineconeOptions emulate_pinecone;
  CLI::App& emulate_pinecone_app = *emulate_app.add_subcommand(
      "pinecone", "An index of Pinecone, with its limits, delays and faults, until Ctrl-C");
  add_emulate_pinecone(emulate_pinecone_app, emulate_pinecone);
  EmulateS3Options emulate_s3;
  CLI::App& emulate_s3_app = *emulate_app.add_subcommand(
      "s3", "S3's objects, with signatures verified, latencies and faults, until Ctrl-C");
  add_emulate_s3(emulate_s3_app, emulate_s3);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? exit_done : exit_usage;
    return std::nullopt;
  }
  if (backfill_app.parsed()) return backfill;
  if (enqueue_app.parsed()) return enqueue;
  if (worker_app.parsed()) return worker;
  if (search_app.parsed()) return search;
  if (status_app.parsed()) return status;
  if (retry_app.parsed()) return retry;
  if (fsck_app.parsed()) return fsck;
  if (emulate_openai_app.parsed()) return emulate_openai;
  if (emulate_pinecone_app.parsed()) return emulate_pinecone;
  if (emulate_s3_app.parsed()) return emulate_s3;
  return doctor;
}

}  // namespace penstock
