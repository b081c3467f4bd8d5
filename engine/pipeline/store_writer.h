// The one writer of ledger, vector store and embedding cache: keeps what a pack was answered, and
// does the last steps of a document, in the order that no crash can spoil (engine/io/ledger.h).
// What arrives while a batch is being written forms the next one, so a slow store gets larger
// batches, not a longer queue of transactions.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/embedding_cache.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"
#include "engine/pipeline/job.h"
#include "engine/pipeline/milestones.h"
#include "engine/stages/pack/packer.h"

namespace penstock {

// Ends what interrupted runs left half done: of each document that still has intents, every version
// but the current one is removed, so that the same documents may be taken again. Who is at work on
// one of them is fenced off, and takes it again. Returns how many there were.
Result<std::size_t> recover(Ledger& ledger, VectorStore& vectors);

// Takes documents, as the ledger knew them, out of both stores, with what earlier attempts left of
// them. Interrupted at any point, it leaves a document either as it was or pending without a
// version, and is called again to go on. Returns the keys of those that are left, since another
// version of theirs was intended or became current meanwhile, or since they are not the caller's to
// remove any more. `holds` is WorkQueue's; absent: there are no claims.
Result<std::vector<std::string>> remove_documents(
    Ledger& ledger, VectorStore& vectors, std::vector<DocumentRecord> documents,
    const std::function<std::vector<bool>(std::span<const std::string> keys)>& holds = {});

class StoreWriter {
 public:
  using Kept = std::function<void(Pack*)>;
  using Done = std::function<void(Job*)>;
  using Holds = std::function<std::vector<bool>(Lane, std::span<const std::string> keys)>;

  // `kept` is called for each pack and `done` for each job, on the writer's thread. A pack whose
  // vectors could not be kept has an error. A job that another worker has taken over comes back
  // overtaken; `holds` is asked on the same thread. After any write failed, no document is written
  // any more: its jobs and all later ones come back abandoned, for the same reason.
  StoreWriter(Ledger& ledger, VectorStore& vectors, EmbeddingCache* cache, std::string fingerprint,
              const Milestones& milestones, Holds holds, Kept kept, Done done);
  // Writes what is queued, then joins.
  ~StoreWriter();

  // Puts the pack's vectors into the cache. Packs go before jobs. Any thread.
  void keep(Pack* pack);
  // Any thread.
  void write(Job* job);

 private:
  void serve();
  void keep_batch(std::span<Pack* const> packs);
  void write_batch(std::span<Job*> jobs);
  Result<void> write_documents(std::span<Job* const> jobs);
  Result<void> remove_documents_of(std::span<Job* const> removals);
  Result<void> withdraw(Job& job, bool was_interrupted);
  DocumentRecord record_of(const Job& job) const;
  std::vector<bool> holds(std::span<Job* const> jobs) const;

  Ledger& ledger_;
  VectorStore& vectors_;
  EmbeddingCache* const cache_;
  const std::string fingerprint_;
  const Milestones& milestones_;
  const Holds holds_;
  const Kept kept_;
  const Done done_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::vector<Pack*> packs_;
  std::vector<Job*> jobs_;
  bool stopping_ = false;

  std::optional<Error> broken_;  // the writer's thread only
  std::thread thread_;
};

}  // namespace penstock
