// A document on its way through the graph: what `claim` makes and `finish` ends. Exactly one node
// holds a job at a time, except while its chunks are embedded, when several packs do.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/chunk.h"
#include "engine/core/document_times.h"
#include "engine/core/lane.h"
#include "engine/core/memory_file.h"
#include "engine/core/text.h"
#include "engine/io/ledger.h"
#include "engine/pipeline/stage_times.h"

namespace penstock {

struct Job {
  Job(Claim taken, Lane its_lane) : claim(std::move(taken)), lane(its_lane) {}

  // A settled job needs no more work before `store`; every later stage hands it on untouched.
  bool settled() const {
    return unchanged || abandoned || outcome != Outcome::done || claim.is_removal();
  }
  void fail(Outcome why, std::string sentence) {
    outcome = why;
    message = std::move(sentence);
  }
  // Whether an earlier run with the same parameters gave this document an outcome that the same
  // content would get again. `failed` is not one: the embedder may think better of it.
  bool has_outcome_under(const std::string& fingerprint) const {
    return known && known->attempted && known->fingerprint == fingerprint &&
           known->outcome != Outcome::pending && known->outcome != Outcome::failed &&
           !(claim.again && is_failure(known->outcome));
  }
  // While packs of the job are under way: the first reason to embed no more of it counts.
  template <typename Because>
  void give_up(const Because& because) {
    const std::lock_guard lock(embed_mutex);
    if (given_up) return;
    given_up = true;
    because();
  }
  void keep_known_outcome() {
    unchanged = true;
    outcome = known->outcome;
    message = known->message;
    if (!known->current) return;
    pages = known->current->pages;
    tokens = known->current->tokens;
  }

  const Claim claim;
  const Lane lane;
  Outcome outcome = Outcome::done;
  std::string message;
  bool unchanged = false;  // this very version has its outcome already

  std::optional<DocumentRecord> known;  // what the ledger said at fetch
  std::optional<VersionId> version;     // absent if the content could not be read
  MemoryFile file;                      // from fetch to extract
  Text text;                            // from extract on
  std::uint32_t pages = 0;
  std::uint64_t tokens = 0;
  std::vector<Chunk> chunks;   // views into text
  std::vector<float> vectors;  // row-major, chunks.size() x dimensions; packs write their own rows
  std::vector<EmbeddingId> embedding_ids;  // by chunk; empty if nothing is cached
  std::vector<bool> is_known;              // by chunk, likewise: it needs no request of its own
  std::uint64_t cached_tokens = 0;         // of those

  // Chunks without a vector, and one more until `pack` is through with the job.
  std::atomic<std::size_t> chunks_to_embed{0};
  // Guards outcome, message, abandoned and failures while packs of this job are under way.
  std::mutex embed_mutex;
  std::vector<std::uint8_t> failures;  // by chunk, of its requests; empty if there was none
  std::atomic<bool> given_up{false};   // no more of it need be embedded

  // Set: the outcome is not durable, and the next run takes the document again. `cancelled` if this
  // run was told to stop, else the store or the embedding service is of no use to any document.
  std::optional<Error> abandoned;
  // Another worker has the document, and ends it.
  bool overtaken = false;

  StageTimes times;
  DocumentTimes reached;  // by this attempt
  std::uint64_t admitted_bytes = 0;
};

}  // namespace penstock
