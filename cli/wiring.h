// The only place that turns options and URLs into backends.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/backends/local/no_quota.h"
#include "engine/backends/sqlite/write_lock.h"
#include "engine/io/blob_store.h"
#include "engine/io/embedder.h"
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
};

// Both throw FatalError. For writing, what does not exist is made, and another writer is refused.
Store open_store_for_writing(const StoreOptions& options, const Embedder& embedder);
Store open_store_for_reading(const StoreOptions& options);

// Reads the store's files whole; throws FatalError at the first damage.
void check_store_files(const StoreOptions& options);

// Files that belong to the store: no source.
std::vector<std::string> files_of_store(const StoreOptions& options);

std::unique_ptr<Embedder> make_embedder(const std::string& url);

// Everything a pipeline is made of, but its queue and its store.
class Engine {
 public:
  explicit Engine(const EngineOptions& options);

  Embedder& embedder() { return *embedder_; }
  PipelineParts parts(WorkQueue& queue, Store& store);
  PipelineOptions pipeline_options() const;
  // Ends the extraction processes, so that their CPU time is accounted to this process.
  void stop_extraction() { extractors_.reset(); }

 private:
  const EngineOptions options_;
  const Tokenizer tokenizer_;
  const std::unique_ptr<Embedder> embedder_;
  const std::unique_ptr<BlobStore> blobs_;
  NoQuota quota_;
  std::unique_ptr<ExtractorPool> extractors_;
};

}  // namespace penstock
