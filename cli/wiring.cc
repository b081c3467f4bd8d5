#include "cli/wiring.h"

#include <algorithm>

namespace penstock {
namespace {

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

Engine::Engine(const EngineOptions& options,
               const EmbeddingService::OpenSharedBudget& open_shared_budget)
    : options_(options),
      tokenizer_(encoding_named(options.encoding)),
      service_(options.embedder, budget_of(options), open_shared_budget),
      objects_(options.objects),
      extractors_(std::make_unique<ExtractorPool>(extractor_options(options))) {
  if (options.overlap_tokens * 2 >= options.chunk_tokens)
    throw FatalError("--overlap-tokens " + std::to_string(options.overlap_tokens) +
                     " must be less than half of --chunk-tokens " +
                     std::to_string(options.chunk_tokens));
}

PipelineParts Engine::parts(WorkQueue& queue, Store& store) {
  return {queue,
          objects_,
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

std::optional<SourceStamp> Engine::stamp_of(const std::string& location) {
  return objects_.stamp_of(location);
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
