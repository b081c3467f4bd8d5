// The only place that turns options and URLs into backends.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/embedding_service.h"
#include "cli/options.h"
#include "engine/backends/sqlite/write_lock.h"
#include "engine/io/blob_store.h"
#include "engine/io/embedding_cache.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"
#include "engine/pipeline/pipeline.h"
#include "engine/stages/extract/extractor_pool.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {

// Ledger and vectors, held together with the right to write them.
struct Store {
  std::optional<WriteLock> lock;  // absent when opened for reading
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<VectorStore> vectors;
  std::unique_ptr<EmbeddingCache> cache;  // absent where vectors cost nothing, or none is wanted
};

class Engine;

// All throw FatalError. For writing, what does not exist is made, and another writer is refused.
Store open_store_for_writing(const StoreOptions& options, Engine& engine);
Store open_store_for_reading(const StoreOptions& options);
// Likewise, with what the engine knows of embeddings; nothing of that is written.
Store open_store_for_reading(const StoreOptions& options, Engine& engine);
// Throws FatalError if the store holds vectors of another model.
void require_model(const StoreOptions& options, const Embedder& embedder);

// Reads the store's files whole; throws FatalError at the first damage.
void check_store_files(const StoreOptions& options);

// Files that belong to the store: no source.
std::vector<std::string> files_of_store(const StoreOptions& options);

// Everything a pipeline is made of, but its queue and its store.
class Engine {
 public:
  explicit Engine(const EngineOptions& options);

  EmbeddingService& service() { return service_; }
  const EngineOptions& options() const { return options_; }
  PipelineParts parts(WorkQueue& queue, Store& store);
  PipelineOptions pipeline_options();
  // Ends the extraction processes, so that their CPU time is accounted to this process.
  void stop_extraction() { extractors_.reset(); }

 private:
  const EngineOptions options_;
  const Tokenizer tokenizer_;
  EmbeddingService service_;
  const std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<ExtractorPool> extractors_;
};

}  // namespace penstock
