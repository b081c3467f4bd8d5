#include "engine/pipeline/store_writer.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

// Documents of one transaction, at most: bounds how long a reader or a checkpoint waits for it.
constexpr std::size_t batch_documents_max = 64;

}  // namespace

Result<std::size_t> recover(Ledger& ledger, VectorStore& vectors) {
  const Result<std::vector<Intent>> intents = ledger.intents();
  if (!intents) return pass_on(intents.error());
  std::vector<std::string> keys;
  for (const Intent& intent : *intents) {
    const Result<std::optional<DocumentRecord>> record = ledger.find(intent.key);
    if (!record) return pass_on(record.error());
    std::optional<VersionId> current;
    if (*record && (*record)->current) current = (*record)->current->id;
    if (const auto removed = vectors.remove_other_versions(intent.key, current); !removed)
      return pass_on(removed.error());
    keys.push_back(intent.key);
  }
  if (const auto cleared = ledger.clear_intents(keys); !cleared) return pass_on(cleared.error());
  return keys.size();
}

Result<void> remove_documents(Ledger& ledger, VectorStore& vectors,
                              std::vector<DocumentRecord> documents) {
  std::vector<Intent> intents;
  std::vector<std::string> keys;
  for (DocumentRecord& document : documents) {
    intents.push_back({document.claim.key, document.current ? document.current->id : VersionId()});
    keys.push_back(document.claim.key);
    document.outcome = Outcome::pending;
    document.current.reset();
  }
  if (auto done = ledger.intend(intents); !done) return done;
  if (auto done = ledger.record(documents); !done) return done;
  for (const std::string& key : keys)
    if (auto done = vectors.remove_other_versions(key, std::nullopt); !done) return done;
  return ledger.forget(keys);
}

StoreWriter::StoreWriter(Ledger& ledger, VectorStore& vectors, EmbeddingCache* cache,
                         std::string fingerprint, Kept kept, Done done)
    : ledger_(ledger),
      vectors_(vectors),
      cache_(cache),
      fingerprint_(std::move(fingerprint)),
      kept_(std::move(kept)),
      done_(std::move(done)),
      thread_([this] { serve(); }) {}

StoreWriter::~StoreWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void StoreWriter::keep(Pack* pack) {
  {
    const std::lock_guard lock(mutex_);
    packs_.push_back(pack);
  }
  wake_.notify_one();
}

void StoreWriter::write(Job* job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  wake_.notify_one();
}

void StoreWriter::serve() {
  std::vector<Pack*> packs;
  std::vector<Job*> jobs;
  for (;;) {
    packs.clear();
    jobs.clear();
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !packs_.empty() || !jobs_.empty(); });
      if (packs_.empty() && jobs_.empty()) return;
      packs.swap(packs_);
      const auto taken =
          jobs_.begin() + static_cast<std::ptrdiff_t>(std::min(jobs_.size(), batch_documents_max));
      jobs.assign(jobs_.begin(), taken);
      jobs_.erase(jobs_.begin(), taken);
    }
    if (!packs.empty()) keep_batch(packs);
    if (!jobs.empty()) write_batch(jobs);
  }
}

void StoreWriter::keep_batch(std::span<Pack* const> packs) {
  std::vector<CachedEmbedding> embeddings;
  for (const Pack* pack : packs) {
    const std::size_t dimensions = pack->embedding.vectors.size() / pack->inputs.size();
    const float* row = pack->embedding.vectors.data();
    for (const PackSlice& slice : pack->slices) {
      for (std::size_t chunk = slice.chunk_begin; chunk < slice.chunk_end; ++chunk) {
        embeddings.push_back({slice.job->embedding_ids[chunk], {row, dimensions}});
        row += dimensions;
      }
    }
  }
  // Also when documents cannot be written any more: these were paid for.
  const Result<void> put = cache_->put(embeddings);
  if (!put && !broken_) broken_ = put.error();
  for (Pack* pack : packs) {
    if (!put) pack->error = put.error();
    kept_(pack);
  }
}

void StoreWriter::write_batch(std::span<Job* const> jobs) {
  for (Job* job : jobs) job->times.started(Stage::store, std::chrono::steady_clock::now());
  if (!broken_) {
    if (const Result<void> written = write_documents(jobs); !written) broken_ = written.error();
  }
  for (Job* job : jobs) {
    job->times.finished(Stage::store, std::chrono::steady_clock::now());
    job->abandoned = broken_;
    done_(job);
  }
}

DocumentRecord StoreWriter::record_of(const Job& job) const {
  DocumentRecord record;
  if (job.unchanged) {
    record = *job.known;
    record.claim = job.claim;  // the same content under a new time stamp
    return record;
  }
  record.claim = job.claim;
  record.attempted = job.version;
  record.outcome = job.outcome;
  record.message = job.message;
  record.fingerprint = fingerprint_;
  if (!is_failure(job.outcome)) {
    record.current = CurrentVersion{*job.version, job.pages,
                                    static_cast<std::uint32_t>(job.chunks.size()), job.tokens};
  } else if (job.known) {
    record.current = job.known->current;
  }
  return record;
}

Result<void> StoreWriter::write_documents(std::span<Job* const> jobs) {
  std::vector<Intent> intents;
  std::vector<std::string> keys;
  std::vector<VersionChunks> versions;
  std::vector<DocumentRecord> records;
  for (const Job* job : jobs) {
    if (job->unchanged && !job->version) continue;  // its time stamp said so: nothing is new
    records.push_back(record_of(*job));
    if (job->unchanged || is_failure(job->outcome)) continue;
    intents.push_back({job->claim.key, *job->version});
    keys.push_back(job->claim.key);
    if (!job->chunks.empty())
      versions.push_back({job->claim.key, *job->version, job->chunks, job->vectors});
  }

  if (auto done = ledger_.intend(intents); !done) return done;
  if (auto done = vectors_.upsert(versions); !done) return done;
  for (const VersionChunks& version : versions) {
    const Result<VersionCount> stored = vectors_.count(version.key, version.version);
    if (!stored) return pass_on(stored.error());
    if (stored->chunks != version.chunks.size() || stored->vectors != version.chunks.size())
      return retryable_error(version.key + ": the vector store took " +
                             std::to_string(version.chunks.size()) + " chunks and holds " +
                             std::to_string(stored->vectors) + "; run the same command again");
  }
  if (auto done = ledger_.record(records); !done) return done;
  for (const Job* job : jobs) {
    const bool replaces =
        job->known && job->known->current && job->version != job->known->current->id;
    if (job->unchanged || is_failure(job->outcome) || !replaces) continue;
    if (auto done = vectors_.remove_other_versions(job->claim.key, job->version); !done)
      return done;
  }
  return ledger_.clear_intents(keys);
}

}  // namespace penstock
