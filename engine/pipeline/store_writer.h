// The one writer of ledger and vector store: the last steps of a document, in the order that no
// crash can spoil (engine/io/ledger.h). Documents that arrive while a batch is being written form
// the next one, so a slow store gets larger batches, not a longer queue of transactions.
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

#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"
#include "engine/pipeline/job.h"

namespace penstock {

// Ends what an interrupted run left half done: of each document that still has its intent, every
// version but the current one is removed, so that the same documents may be taken again. Returns
// how many there were.
Result<std::size_t> recover(Ledger& ledger, VectorStore& vectors);

// Takes documents out of both stores. Interrupted at any point, it leaves a document either as it
// was or pending without a version, once `recover` has run; then it may be called again.
Result<void> remove_documents(Ledger& ledger, VectorStore& vectors,
                              std::vector<DocumentRecord> documents);

class StoreWriter {
 public:
  using Done = std::function<void(Job*)>;

  // `done` is called for each job, on the writer's thread. After a batch failed, nothing is written
  // any more: its jobs and all later ones come back with the same store_error.
  StoreWriter(Ledger& ledger, VectorStore& vectors, std::string fingerprint, Done done);
  // Writes what is queued, then joins.
  ~StoreWriter();

  // Any thread.
  void write(Job* job);

 private:
  void serve();
  Result<void> write_batch(std::span<Job* const> jobs);
  DocumentRecord record_of(const Job& job) const;

  Ledger& ledger_;
  VectorStore& vectors_;
  const std::string fingerprint_;
  const Done done_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::vector<Job*> queue_;
  bool stopping_ = false;

  std::optional<Error> broken_;  // the writer's thread only
  std::thread thread_;
};

}  // namespace penstock
