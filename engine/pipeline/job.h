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
#include "engine/core/memory_file.h"
#include "engine/core/text.h"
#include "engine/io/ledger.h"
#include "engine/pipeline/stage_times.h"

namespace penstock {

struct Job {
  explicit Job(Claim taken) : claim(std::move(taken)) {}

  // A settled job needs no more work; every later stage hands it on untouched.
  bool settled() const { return unchanged || outcome != Outcome::done; }
  void fail(Outcome why, std::string sentence) {
    outcome = why;
    message = std::move(sentence);
  }
  // Whether an earlier run with the same parameters gave this document an outcome that the same
  // content would get again. `failed` is not one: the embedder may think better of it.
  bool has_outcome_under(const std::string& fingerprint) const {
    return known && known->attempted && known->fingerprint == fingerprint &&
           known->outcome != Outcome::pending && known->outcome != Outcome::failed;
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

  std::atomic<std::size_t> chunks_to_embed{0};
  std::mutex embed_mutex;  // guards outcome, message while packs of this job are under way

  std::optional<Error> store_error;  // set: the store failed, and the outcome is not durable

  StageTimes times;
  std::uint64_t admitted_bytes = 0;
};

}  // namespace penstock
