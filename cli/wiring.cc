#include "cli/wiring.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "engine/backends/local/local_files.h"
#include "engine/backends/sqlite/sqlite_embeddings.h"
#include "engine/backends/sqlite/sqlite_ledger.h"
#include "engine/backends/sqlite/sqlite_vectors.h"

namespace penstock {
namespace {

// The path of a sqlite: URL, or of the store if there is none.
std::string sqlite_path(const std::string& url, const std::string& store, const char* flag) {
  constexpr std::string_view scheme = "sqlite:";
  if (url.empty() && store.empty())
    throw FatalError("--store is empty; give it the path of a file");
  if (url.empty()) return store;
  if (url.starts_with(scheme) && url.size() > scheme.size()) return url.substr(scheme.size());
  throw FatalError(std::string(flag) + " " + url + ": not a known URL; write sqlite:PATH");
}

std::string ledger_path(const StoreOptions& options) {
  return sqlite_path(options.ledger, options.store, "--ledger");
}

std::string vectors_path(const StoreOptions& options) {
  return sqlite_path(options.vectors, options.store, "--vectors");
}

Encoding encoding_named(const std::string& name) {
  return name == "o200k_base" ? Encoding::o200k_base : Encoding::cl100k_base;
}

ExtractorPoolOptions extractor_options(const EngineOptions& options) {
  ExtractorPoolOptions pool;
  pool.kind = *extractor_named(options.extractor);  // options.cc lets nothing else pass
  pool.children = options.extractors;
  pool.document_timeout = std::chrono::seconds(options.document_timeout_s);
  pool.memory_bytes_max = options.document_memory;
  return pool;
}

std::unique_ptr<EmbeddingCache> open_cache(const StoreOptions& options, OpenMode mode,
                                           Engine& engine) {
  const std::uint64_t bytes_max = engine.options().embedding_cache_bytes;
  if (!engine.service().is_remote() || bytes_max == 0) return nullptr;
  return std::make_unique<SqliteEmbeddings>(ledger_path(options), mode,
                                            engine.service().embedder().dimensions(), bytes_max);
}

// Both bounds as one, of tokens.
std::optional<std::uint64_t> budget_of(const EngineOptions& options) {
  std::optional<std::uint64_t> tokens = options.tokens_max;
  if (options.cost_max && *options.price_per_million > 0) {
    const double affordable = *options.cost_max / *options.price_per_million * 1e6;
    tokens = std::min(tokens.value_or(UINT64_MAX),
                      static_cast<std::uint64_t>(std::min(affordable, 9e18)));
  }
  return tokens;
}

}  // namespace

Store open_store_for_writing(const StoreOptions& options, Engine& engine) {
  const Embedder& embedder = engine.service().embedder();
  Store store;
  store.lock.emplace(ledger_path(options));
  store.ledger = std::make_unique<SqliteLedger>(ledger_path(options), OpenMode::write);
  store.vectors = std::make_unique<SqliteVectors>(vectors_path(options), embedder.model(),
                                                  embedder.dimensions());
  store.cache = open_cache(options, OpenMode::write, engine);
  return store;
}

Store open_store_for_reading(const StoreOptions& options) {
  Store store;
  store.ledger = std::make_unique<SqliteLedger>(ledger_path(options), OpenMode::read);
  store.vectors = std::make_unique<SqliteVectors>(vectors_path(options));
  return store;
}

Store open_store_for_reading(const StoreOptions& options, Engine& engine) {
  Store store = open_store_for_reading(options);
  store.cache = open_cache(options, OpenMode::read, engine);
  return store;
}

void require_model(const StoreOptions& options, const Embedder& embedder) {
  SqliteVectors(vectors_path(options)).require_model(embedder.model(), embedder.dimensions());
}

void check_store_files(const StoreOptions& options) {
  for (const std::string& path : {ledger_path(options), vectors_path(options)}) {
    const auto sound = SqliteLedger(path, OpenMode::read).check_integrity();
    if (!sound) throw FatalError(sound.error().message);
    if (ledger_path(options) == vectors_path(options)) break;
  }
}

std::vector<std::string> files_of_store(const StoreOptions& options) {
  std::vector<std::string> files;
  for (const std::string& path : {ledger_path(options), vectors_path(options)})
    for (const char* suffix : {"", "-wal", "-shm", ".lock"})
      files.push_back(std::filesystem::absolute(path + suffix).lexically_normal());
  return files;
}

Engine::Engine(const EngineOptions& options)
    : options_(options),
      tokenizer_(encoding_named(options.encoding)),
      service_(options.embedder, budget_of(options)),
      blobs_(std::make_unique<LocalFiles>()),
      extractors_(std::make_unique<ExtractorPool>(extractor_options(options))) {
  if (options.overlap_tokens * 2 >= options.chunk_tokens)
    throw FatalError("--overlap-tokens " + std::to_string(options.overlap_tokens) +
                     " must be less than half of --chunk-tokens " +
                     std::to_string(options.chunk_tokens));
}

PipelineParts Engine::parts(WorkQueue& queue, Store& store) {
  return {queue,
          *blobs_,
          [this](const MemoryFile& file, Lane lane, std::function<void(Extraction)> done) {
            extractors_->extract(file, lane, std::move(done));
          },
          tokenizer_,
          service_.quota(),
          service_.embedder(),
          *store.ledger,
          *store.vectors,
          store.cache.get()};
}

PipelineOptions Engine::pipeline_options() {
  PipelineOptions options;
  options.documents_in_flight_max = options_.documents_in_flight;
  options.bytes_in_flight_max = options_.bytes_in_flight;
  options.document_bytes_max = options_.document_bytes;
  options.chunk.tokens_max = options_.chunk_tokens;
  options.chunk.overlap_tokens_max = options_.overlap_tokens;
  options.fingerprint = extractor_fingerprint(*extractor_named(options_.extractor)) + "; " +
                        options_.encoding + " " + std::to_string(options_.chunk_tokens) + "/" +
                        std::to_string(options_.overlap_tokens) + "; " +
                        service_.embedder().model();
  return options;
}

}  // namespace penstock
