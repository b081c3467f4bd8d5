#include "engine/pipeline/store_writer.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace penstock {
namespace {

// Documents of one transaction, at most: bounds how long a reader or a checkpoint waits for it.
constexpr std::size_t batch_documents_max = 64;

}  // namespace

Result<std::size_t> recover(Ledger& ledger, VectorStore& vectors) {
  const Result<std::vector<VersionName>> intents = ledger.intents();
  if (!intents) return pass_on(intents.error());
  std::vector<VersionName> taken_over;
  for (const VersionName& intent : *intents)  // in the order of keys
    if (taken_over.empty() || taken_over.back().key != intent.key)
      taken_over.push_back({intent.key, VersionId()});
  // First: from here on what is current stays so, also where another worker was about to record.
  if (const auto done = ledger.intend(taken_over); !done) return pass_on(done.error());
  std::map<std::string, VersionId> current;
  for (const VersionName& document : taken_over) {
    const Result<std::optional<DocumentRecord>> record = ledger.find(document.key);
    if (!record) return pass_on(record.error());
    if (*record && (*record)->current) current[document.key] = (*record)->current->id;
  }
  std::vector<VersionName> obsolete;
  for (const VersionName& intent : *intents) {
    const auto found = current.find(intent.key);
    const bool is_current = found != current.end() && found->second == intent.version;
    if (!is_current && intent.version != VersionId()) obsolete.push_back(intent);
  }
  if (const auto done = vectors.remove(obsolete); !done) return pass_on(done.error());
  if (const auto done = ledger.clear_intents(taken_over); !done) return pass_on(done.error());
  return taken_over.size();
}

Result<std::vector<std::string>> remove_documents(
    Ledger& ledger, VectorStore& vectors, std::vector<DocumentRecord> documents,
    const std::function<std::vector<bool>(std::span<const std::string> keys)>& holds) {
  std::vector<std::string> keys;
  keys.reserve(documents.size());
  for (const DocumentRecord& document : documents) keys.push_back(document.claim.key);
  Result<std::vector<VersionName>> left = ledger.intents(keys);
  if (!left) return pass_on(left.error());
  std::unordered_set<std::string> interrupted;
  for (const VersionName& intent : *left) interrupted.insert(intent.key);
  std::vector<VersionName> obsolete = std::move(*left);
  std::erase_if(obsolete, [](const VersionName& name) { return name.version == VersionId(); });
  for (DocumentRecord& document : documents) {
    document.replaces = document.current ? document.current->id : VersionId();
    if (document.current) obsolete.push_back({document.claim.key, document.current->id});
    document.outcome = Outcome::pending;
    document.message.clear();
    document.times = {};
    document.current.reset();
  }
  std::vector<VersionName> intents = obsolete;
  for (const std::string& key : keys) intents.push_back({key, VersionId()});

  if (auto done = ledger.intend(intents); !done) return pass_on(done.error());
  std::unordered_set<std::string> left_alone;
  std::vector<VersionName> withdrawn;
  const std::vector<bool> held = holds ? holds(keys) : std::vector<bool>(keys.size(), true);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (held[i]) continue;
    left_alone.insert(keys[i]);
    if (!interrupted.contains(keys[i])) withdrawn.push_back({keys[i], VersionId()});
  }
  if (auto done = ledger.clear_intents(withdrawn); !done) return pass_on(done.error());
  std::erase_if(documents, [&](const DocumentRecord& document) {
    return left_alone.contains(document.claim.key);
  });
  Result<std::vector<std::string>> refused = ledger.record(documents);
  if (!refused) return refused;
  // Of these another version has become current meanwhile: they are not what was to be removed.
  left_alone.insert(refused->begin(), refused->end());
  std::erase_if(obsolete, [&](const VersionName& name) { return left_alone.contains(name.key); });
  std::erase_if(keys, [&](const std::string& key) { return left_alone.contains(key); });
  if (auto done = vectors.remove(obsolete); !done) return pass_on(done.error());
  Result<std::vector<std::string>> kept = ledger.forget(keys);
  if (kept) kept->insert(kept->end(), left_alone.begin(), left_alone.end());
  return kept;
}

StoreWriter::StoreWriter(Ledger& ledger, VectorStore& vectors, EmbeddingCache* cache,
                         std::string fingerprint, const Milestones& milestones, Holds holds,
                         Kept kept, Done done)
    : ledger_(ledger),
      vectors_(vectors),
      cache_(cache),
      fingerprint_(std::move(fingerprint)),
      milestones_(milestones),
      holds_(std::move(holds)),
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

void StoreWriter::write_batch(std::span<Job*> jobs) {
  for (Job* job : jobs) job->times.started(Stage::store, std::chrono::steady_clock::now());
  if (!broken_) {
    // Not that of std::ranges, which clang 14 cannot compile.
    const auto removals = std::stable_partition(
        jobs.begin(), jobs.end(), [](const Job* job) { return !job->claim.is_removal(); });
    Result<void> written = write_documents({jobs.begin(), removals});
    if (written) written = remove_documents_of({removals, jobs.end()});
    if (!written) broken_ = written.error();
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
    record.claim = job.claim;  // the same content under a new time stamp, with the times it had
    return record;
  }
  record.claim = job.claim;
  record.replaces = job.known && job.known->current ? job.known->current->id : VersionId();
  record.attempted = job.version;
  record.outcome = job.outcome;
  record.message = job.message;
  record.times = job.reached;
  record.fingerprint = fingerprint_;
  if (!is_failure(job.outcome)) {
    record.current = CurrentVersion{*job.version, job.pages,
                                    static_cast<std::uint32_t>(job.chunks.size()), job.tokens};
  } else if (job.known) {
    record.current = job.known->current;
  }
  return record;
}

namespace {

// What one document needs, so that of all its versions only one is left.
struct Change {
  explicit Change(Job& its_job) : job(its_job) {
    if (writes_version()) {
      target = *job.version;
    } else if (job.known && job.known->current) {
      target = job.known->current->id;
    }
    if (job.known && job.known->current) leaves(job.known->current->id);
  }

  bool writes_version() const { return !job.unchanged && !is_failure(job.outcome); }
  bool writes_chunks() const { return writes_version() && !job.chunks.empty(); }
  // Nothing is new, its time stamp said so.
  bool is_recorded() const { return !job.unchanged || job.version; }
  void leaves(const VersionId& version) {
    if (version != target && version != VersionId()) obsolete.insert(version);
  }
  bool needs_intent() const { return writes_version() || was_interrupted; }

  Job& job;
  VersionId target;              // what is to be current; VersionId() for none
  std::set<VersionId> obsolete;  // whose vectors may be there, and are not to
  bool was_interrupted = false;  // an earlier attempt left intents
};

Error not_stored(const VersionChunks& version, const VersionCount& stored) {
  return {ErrorKind::retryable, version.key + ": the vector store took " +
                                    std::to_string(version.chunks.size()) + " chunks and holds " +
                                    std::to_string(stored.vectors) +
                                    "; run the same command again"};
}

}  // namespace

Result<void> StoreWriter::write_documents(std::span<Job* const> jobs) {
  if (jobs.empty()) return {};
  std::vector<std::string> keys;
  std::vector<Change> changes;
  for (Job* job : jobs) {
    keys.push_back(job->claim.key);
    changes.emplace_back(*job);
  }
  const Result<std::vector<VersionName>> left = ledger_.intents(keys);
  if (!left) return pass_on(left.error());
  std::unordered_map<std::string, std::vector<VersionId>> left_of;
  for (const VersionName& intent : *left) left_of[intent.key].push_back(intent.version);

  std::vector<VersionName> intents;
  std::vector<VersionChunks> versions;
  std::vector<VersionName> names;  // of versions
  for (Change& change : changes) {
    const Job& job = change.job;
    if (const auto found = left_of.find(job.claim.key); found != left_of.end()) {
      change.was_interrupted = true;
      for (const VersionId& version : found->second) change.leaves(version);
    }
    if (change.needs_intent()) {
      for (const VersionId& version : change.obsolete) intents.push_back({job.claim.key, version});
      intents.push_back({job.claim.key, change.target});
    }
  }
  if (auto done = ledger_.intend(intents); !done) return done;

  const std::vector<bool> held = holds(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Change& change = changes[i];
    const Job& job = change.job;
    if (!held[i]) {
      if (auto done = withdraw(change.job, change.was_interrupted); !done) return done;
    } else if (change.writes_chunks()) {
      versions.push_back({job.claim.key, *job.version, job.chunks, job.vectors});
      names.push_back({job.claim.key, *job.version});
    }
  }
  if (auto done = vectors_.upsert(versions); !done) return done;
  const Result<std::vector<VersionCount>> stored = vectors_.count(names);
  if (!stored) return pass_on(stored.error());
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const std::size_t chunks = versions[i].chunks.size();
    if ((*stored)[i].chunks != chunks || (*stored)[i].vectors != chunks)
      return pass_on(not_stored(versions[i], (*stored)[i]));
  }
  std::vector<DocumentRecord> records;
  for (Change& change : changes) {
    if (change.job.overtaken) continue;
    if (change.writes_chunks()) milestones_.reach(change.job, Milestone::stored);
    change.job.reached.done = wall_now();
    if (change.is_recorded()) records.push_back(record_of(change.job));
  }
  const Result<std::vector<std::string>> refused = ledger_.record(records);
  if (!refused) return pass_on(refused.error());
  const std::unordered_set<std::string> overtaken(refused->begin(), refused->end());

  std::vector<VersionName> obsolete;
  std::vector<VersionName> complete;
  for (Change& change : changes) {
    const std::string& key = change.job.claim.key;
    if (change.job.overtaken) continue;
    if (overtaken.contains(key)) {
      if (auto done = withdraw(change.job, change.was_interrupted); !done) return done;
      continue;
    }
    if (!change.needs_intent()) continue;
    for (const VersionId& version : change.obsolete) obsolete.push_back({key, version});
    complete.push_back({key, change.target});
  }
  if (auto done = vectors_.remove(obsolete); !done) return done;
  return ledger_.clear_intents(complete);
}

// In the order of the jobs, which may be of both lanes.
std::vector<bool> StoreWriter::holds(std::span<Job* const> jobs) const {
  std::vector<bool> all(jobs.size());
  for (const Lane lane : all_lanes) {
    std::vector<std::string> keys;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i]->lane != lane) continue;
      keys.push_back(jobs[i]->claim.key);
      places.push_back(i);
    }
    if (keys.empty()) continue;
    const std::vector<bool> held = holds_(lane, keys);
    for (std::size_t i = 0; i < places.size(); ++i) all[places[i]] = held[i];
  }
  return all;
}

// A removal that stopped half-way is in the ledger as what is to be done with the document, so that
// `retry` goes on with it, too.
Result<void> StoreWriter::remove_documents_of(std::span<Job* const> removals) {
  if (removals.empty()) return {};
  std::vector<DocumentRecord> documents;
  for (const Job* job : removals) {
    documents.push_back(job->known.value_or(DocumentRecord{}));
    documents.back().claim = job->claim;
  }
  const Result<std::vector<std::string>> left =
      remove_documents(ledger_, vectors_, std::move(documents),
                       [&](std::span<const std::string>) { return holds(removals); });
  if (!left) return pass_on(left.error());
  for (Job* job : removals)
    job->overtaken = std::ranges::find(*left, job->claim.key) != left->end();
  return {};
}

// Another worker has the document, has intended a version since, or has finished: this one was slow
// enough to be thought dead. What it wrote is removed, unless it is what the other made current.
Result<void> StoreWriter::withdraw(Job& job, bool was_interrupted) {
  job.overtaken = true;
  const Result<std::optional<DocumentRecord>> record = ledger_.find(job.claim.key);
  if (!record) return pass_on(record.error());
  if (!job.version || (*record && (*record)->current && (*record)->current->id == job.version))
    return {};
  const std::vector<VersionName> written = {{job.claim.key, *job.version}};
  if (auto done = vectors_.remove(written); !done) return done;
  // Nobody comes after one who has finished. What still is to be removed is left to who does.
  if (was_interrupted) return {};
  return ledger_.clear_intents(written);
}

}  // namespace penstock
