#include "test/support/memory_store.h"

#include <algorithm>
#include <numeric>

namespace penstock {

void MemoryStore::break_step(const std::string& step) {
  const std::lock_guard lock(mutex);
  broken_step = step;
}

void MemoryStore::mend() {
  break_step({});
}

void MemoryStore::forget_intents(const std::string& key) {
  std::erase_if(intents, [&](const VersionName& intent) { return intent.key == key; });
  last_intents.erase(key);
}

Result<void> MemoryStore::enter(const std::string& step) {
  const std::lock_guard lock(mutex);
  if (step == broken_step) return retryable_error(step + " is broken");
  return {};
}

Result<std::optional<DocumentRecord>> MemoryLedger::find(const std::string& key) {
  if (const auto entered = store_.enter("find"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  const auto found = store_.documents.find(key);
  if (found == store_.documents.end()) return std::nullopt;
  return found->second;
}

Result<void> MemoryLedger::intend(std::span<const VersionName> intents) {
  if (const auto entered = store_.enter("intend"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const VersionName& intent : intents) {
    store_.intents.insert(intent);
    store_.last_intents[intent.key] = intent.version;
  }
  return {};
}

Result<std::vector<std::string>> MemoryLedger::record(std::span<const DocumentRecord> records) {
  if (const auto entered = store_.enter("record"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  std::vector<std::string> refused;
  for (const DocumentRecord& record : records) {
    const std::string& key = record.claim.key;
    const auto known = store_.documents.find(key);
    const auto intent = store_.last_intents.find(key);
    const VersionId before = known != store_.documents.end() && known->second.current
                                 ? known->second.current->id
                                 : VersionId();
    const VersionId after = record.current ? record.current->id : VersionId();
    const bool is_intended = intent != store_.last_intents.end() && intent->second == after;
    if (before != after && !(is_intended && record.replaces.value_or(before) == before)) {
      refused.push_back(key);
      continue;
    }
    DocumentRecord& stored = store_.documents[key];
    const std::uint32_t attempts = stored.attempts;
    stored = record;
    stored.attempts = attempts + 1;
    stored.replaces.reset();
  }
  return refused;
}

Result<void> MemoryLedger::clear_intents(std::span<const VersionName> intents) {
  if (const auto entered = store_.enter("clear_intents"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const VersionName& intent : intents) {
    const auto last = store_.last_intents.find(intent.key);
    if (last != store_.last_intents.end() && last->second == intent.version)
      store_.forget_intents(intent.key);
  }
  return {};
}

namespace {

void make_pending(DocumentRecord& record) {
  record.outcome = Outcome::pending;
  record.message.clear();
  record.times = {};
}

}  // namespace

Result<std::uint64_t> MemoryLedger::put_back(std::span<const Outcome> outcomes) {
  const std::lock_guard lock(store_.mutex);
  std::uint64_t count = 0;
  for (auto& [key, record] : store_.documents) {
    if (std::ranges::find(outcomes, record.outcome) == outcomes.end()) continue;
    make_pending(record);
    ++count;
  }
  return count;
}

Result<void> MemoryLedger::put_back(const std::string& key) {
  const std::lock_guard lock(store_.mutex);
  const auto found = store_.documents.find(key);
  if (found != store_.documents.end()) make_pending(found->second);
  return {};
}

Result<std::vector<std::string>> MemoryLedger::forget(std::span<const std::string> keys) {
  if (const auto entered = store_.enter("forget"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  std::vector<std::string> kept;
  for (const std::string& key : keys) {
    const auto known = store_.documents.find(key);
    const auto intent = store_.last_intents.find(key);
    if ((known != store_.documents.end() && known->second.current) ||
        (intent != store_.last_intents.end() && intent->second != VersionId())) {
      kept.push_back(key);
      continue;
    }
    store_.documents.erase(key);
    store_.forget_intents(key);
  }
  return kept;
}

Result<void> MemoryLedger::for_each(const std::function<bool(const DocumentRecord&)>& visit) {
  const std::lock_guard lock(store_.mutex);
  for (const auto& [key, record] : store_.documents)
    if (!visit(record)) break;
  return {};
}

Result<std::vector<VersionName>> MemoryLedger::intents() {
  const std::lock_guard lock(store_.mutex);
  return std::vector<VersionName>(store_.intents.begin(), store_.intents.end());
}

Result<std::vector<VersionName>> MemoryLedger::intents(std::span<const std::string> keys) {
  const std::lock_guard lock(store_.mutex);
  std::vector<VersionName> found;
  std::ranges::copy_if(store_.intents, std::back_inserter(found), [&](const VersionName& intent) {
    return std::ranges::find(keys, intent.key) != keys.end();
  });
  return found;
}

Result<LedgerTotals> MemoryLedger::totals() {
  const std::lock_guard lock(store_.mutex);
  LedgerTotals totals;
  for (const auto& [key, record] : store_.documents) {
    ++totals.documents[record.outcome];
    totals.bytes += record.claim.stamp.bytes;
    if (!record.current) continue;
    totals.chunks += record.current->chunks;
    totals.pages += record.current->pages;
    totals.tokens += record.current->tokens;
  }
  return totals;
}

Result<void> MemoryVectors::upsert(std::span<const VersionChunks> versions) {
  if (const auto entered = store_.enter("upsert"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const VersionChunks& version : versions) {
    auto& stored = store_.versions[{version.key, version.version}];
    stored.clear();
    if (version.chunks.empty()) continue;
    const std::size_t dimensions = version.vectors.size() / version.chunks.size();
    for (std::size_t i = 0; i < version.chunks.size(); ++i) {
      const auto row = version.vectors.subspan(i * dimensions, dimensions);
      stored.push_back(
          {version.chunks[i], std::string(version.chunks[i].text), {row.begin(), row.end()}});
      stored.back().chunk.text = {};
    }
  }
  return {};
}

Result<std::vector<VersionCount>> MemoryVectors::count(std::span<const VersionName> versions) {
  if (const auto entered = store_.enter("count"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  std::vector<VersionCount> counts;
  for (const VersionName& version : versions) {
    const auto found = store_.versions.find(version);
    const std::size_t chunks = found == store_.versions.end() ? 0 : found->second.size();
    counts.push_back({chunks, chunks});
  }
  return counts;
}

Result<void> MemoryVectors::remove(std::span<const VersionName> versions) {
  if (const auto entered = store_.enter("remove"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const VersionName& version : versions) store_.versions.erase(version);
  return {};
}

Result<std::vector<Hit>> MemoryVectors::search(
    std::span<const float> query, std::size_t hits_max,
    const std::function<bool(const std::string&)>& accept) {
  const std::lock_guard lock(store_.mutex);
  std::vector<Hit> hits;
  for (const auto& [version, chunks] : store_.versions) {
    if (accept && !accept(version.key)) continue;
    for (const MemoryStore::StoredChunk& stored : chunks) {
      const float score =
          std::inner_product(query.begin(), query.end(), stored.vector.begin(), 0.0f);
      hits.push_back({version.key, version.version, stored.chunk, stored.text, score});
    }
  }
  std::ranges::stable_sort(hits, [](const Hit& a, const Hit& b) { return a.score > b.score; });
  if (hits.size() > hits_max) hits.resize(hits_max);
  return hits;
}

Result<void> MemoryVectors::for_each(const std::function<bool(const StoredVersion&)>& visit) {
  const std::lock_guard lock(store_.mutex);
  for (const auto& [version, chunks] : store_.versions)
    if (!visit({version, {chunks.size(), chunks.size()}})) break;
  return {};
}

Result<std::vector<StoredChunk>> MemoryVectors::chunks(const VersionName& version) {
  const std::lock_guard lock(store_.mutex);
  std::vector<StoredChunk> chunks;
  if (const auto found = store_.versions.find(version); found != store_.versions.end())
    for (const MemoryStore::StoredChunk& stored : found->second)
      chunks.push_back({stored.chunk, stored.text});
  return chunks;
}

Result<VersionCount> MemoryVectors::totals() {
  const std::lock_guard lock(store_.mutex);
  VersionCount totals;
  for (const auto& [version, chunks] : store_.versions) {
    totals.chunks += chunks.size();
    totals.vectors += chunks.size();
  }
  return totals;
}

Result<std::vector<bool>> MemoryEmbeddings::find(std::span<const EmbeddingId> ids,
                                                 std::span<float> rows) {
  if (auto entered = store_.enter("recall"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  std::vector<bool> known(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = store_.embeddings.find(ids[i]);
    known[i] = found != store_.embeddings.end();
    if (known[i])
      std::ranges::copy(found->second,
                        rows.begin() + static_cast<std::ptrdiff_t>(i * found->second.size()));
  }
  return known;
}

Result<void> MemoryEmbeddings::put(std::span<const CachedEmbedding> embeddings) {
  if (auto entered = store_.enter("keep"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  for (const CachedEmbedding& embedding : embeddings)
    store_.embeddings[embedding.id].assign(embedding.vector.begin(), embedding.vector.end());
  return {};
}

}  // namespace penstock
