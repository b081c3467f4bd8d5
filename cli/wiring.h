// What a pipeline is made of, from options: together with store.h, fleet.h and sources.h the only
// place that turns URLs into backends.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/embedding_service.h"
#include "cli/objects.h"
#include "cli/options.h"
#include "cli/store.h"
#include "engine/pipeline/pipeline.h"
#include "engine/stages/extract/extractor_pool.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {

// Everything a pipeline is made of, but its queue and its store.
class Engine {
 public:
  // With `open_shared_budget` a fleet shares the quota of the embedder's keys.
  explicit Engine(const EngineOptions& options,
                  const EmbeddingService::OpenSharedBudget& open_shared_budget = {});

  EmbeddingService& service() { return service_; }
  const EngineOptions& options() const { return options_; }
  PipelineParts parts(WorkQueue& queue, Store& store);
  // How a document looks now, without reading it; absent if that cannot be told.
  std::optional<SourceStamp> stamp_of(const std::string& location);
  PipelineOptions pipeline_options();
  // Ends the extraction processes, so that their CPU time is accounted to this process.
  void stop_extraction() { extractors_.reset(); }

 private:
  const EngineOptions options_;
  const Tokenizer tokenizer_;
  EmbeddingService service_;
  Objects objects_;
  std::unique_ptr<ExtractorPool> extractors_;
};

}  // namespace penstock
