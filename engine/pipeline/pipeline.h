// The machine: takes documents from a work queue and makes them searchable, as fast as its slowest
// part allows and in bounded memory.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/core/error.h"
#include "engine/core/outcome.h"
#include "engine/io/blob_store.h"
#include "engine/io/embedder.h"
#include "engine/io/embedding_cache.h"
#include "engine/io/events.h"
#include "engine/io/ledger.h"
#include "engine/io/quota.h"
#include "engine/io/vector_store.h"
#include "engine/io/work_queue.h"
#include "engine/pipeline/stage_times.h"
#include "engine/stages/chunk/chunker.h"
#include "engine/stages/extract/extraction.h"
#include "engine/stages/tokenize/tokenizer.h"

namespace penstock {

// Starts the extraction of a file and calls back once, on any thread, without blocking there.
using Extract =
    std::function<void(const MemoryFile& file, Lane lane, std::function<void(Extraction)> done)>;

// What the pipeline is made of. All of it outlives the pipeline.
struct PipelineParts {
  WorkQueue& queue;
  BlobStore& blobs;
  Extract extract;
  const Tokenizer& tokenizer;
  Quota& quota;
  Embedder& embedder;
  Ledger& ledger;
  VectorStore& vectors;
  EmbeddingCache* cache = nullptr;         // absent: vectors cost nothing, so none is remembered
  WorkQueue* interactive_queue = nullptr;  // absent: all work is bulk
  Events* events = nullptr;                // absent: nobody watches
};

struct PipelineOptions {
  // More of both keeps slow stages busy across uneven documents, and costs memory: documents in
  // flight take about twice their bytes.
  std::size_t documents_in_flight_max = 64;
  std::uint64_t bytes_in_flight_max = 64 << 20;
  // A larger document is too_large without being read.
  std::uint64_t document_bytes_max = 256 << 20;
  // How long a chunk waits in a pack for company: longer fills packs better while documents are
  // slow to come, shorter answers sooner.
  std::chrono::milliseconds pack_wait_max{50};
  ChunkOptions chunk;
  // Names everything that decides which chunks and vectors a content gives.
  std::string fingerprint;
  // Stop after `chunk`: nothing is embedded or stored. What a dry run needs.
  bool measure_only = false;
};

// What the observer is told of a document that came to its end. One that was removed, as its claim
// asked, has nothing but the claim.
struct FinishedDocument {
  const Claim& claim;
  Outcome outcome = Outcome::done;
  const std::string& message;
  bool unchanged = false;  // had its outcome from an earlier run
  std::optional<VersionId> version;
  std::uint32_t pages = 0;
  std::uint64_t chunks = 0;
  std::uint64_t tokens = 0;
  std::uint64_t cached_tokens = 0;  // of these, those that needed no request
  const StageTimes& times;
};

class Pipeline {
 public:
  // Called for each document, one at a time, after its outcome is durable; on a worker thread,
  // where it must not block.
  using Observer = std::function<void(const FinishedDocument&)>;

  Pipeline(PipelineParts parts, PipelineOptions options, Observer observer);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Works until the queues are exhausted or closed and everything in flight has its outcome. The
  // calling thread works along. On an error, documents without a durable outcome were not
  // acknowledged, and a rerun takes them again: `cancelled` means that the quota refused to go on
  // (it was stopped, or a budget is spent), any other kind that the store or the embedding service
  // is of no use. Call once.
  //
  // To stop early, close the queues: what is in flight is finished. Stop the quota, too, and what
  // has not been sent to the embedder is left for the next run.
  Result<void> run();

 private:
  class Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace penstock
