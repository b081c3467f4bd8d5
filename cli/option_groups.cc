#include "cli/option_groups.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <utility>

namespace penstock {
namespace {

const std::vector<std::pair<std::string, std::uint64_t>> size_units = {
    {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}};

}  // namespace

CLI::Validator within(double least, double most) {
  const CLI::Range range(least, most);
  return {[range](std::string& words) {
            double number = 0;
            if (CLI::detail::lexical_cast(words, number) && std::isnan(number))
              return "Value " + words + " is not a number";
            return range(words);
          },
          range.get_description()};
}

CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                      const std::string& help, const std::string& group) {
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

void add_queue(CLI::App& command, QueueOptions& options) {
  command
      .add_option("--lease", options.lease_s,
                  "Seconds after a worker's death by which its documents are started again")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group("Queue");
  command
      .add_option("--attempts", options.attempts_max,
                  "Tries of a document, before it is a dead letter")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->group("Queue");
  command
      .add_option("--retry-after", options.backoff_s,
                  "Seconds before the second try; they double for each further one")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group("Queue");
  command
      .add_option(
          "--drain-timeout", options.drain_timeout_s,
          "Seconds that documents in work, and uploads, have to end after an interrupt; then "
          "documents go back to the queue, and the process ends")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str()
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
      ->check(within(0.0, 0.9))
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

void add_engine(CLI::App& app, EngineOptions& options, const std::string& in_flight) {
  add_embedder(app, options.embedder);
  add_objects(app, options.objects);
  app.add_option("--price-per-million", options.price_per_million,
                 "What a million tokens cost, to tell what a run costs")
      ->check(within(0.0, 1e6))
      ->group("Budget");
  app.add_option("--max-tokens", options.tokens_max,
                 "Stops before this run has embedded more tokens; the next run goes on")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000'000}))
      ->group("Budget");
  app.add_option("--max-cost", options.cost_max, "Stops before this run has cost more")
      ->check(within(0.0, 1e12))
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

void add_json(CLI::App& app, bool& json, const std::string& help) {
  app.add_flag("--json", json, help);
}

}  // namespace penstock
