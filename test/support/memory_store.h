// A ledger, a vector store and more in memory: they keep the same contracts as the real ones, and
// break where a test wants them to.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/clock.h"
#include "engine/core/sha256.h"
#include "engine/io/catalog.h"
#include "engine/io/embedding_cache.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"

namespace penstock {

// What survives the death of the objects that write it.
struct MemoryStore {
  struct StoredChunk {
    Chunk chunk;  // but for its text, which is below
    std::string text;
    std::vector<float> vector;
  };

  struct Reservation {
    WallTime since{};
    bool is_condemned = false;
  };
  struct KeyUse {
    std::string id;
    Sha256 request{};
    std::uint64_t place = 0;  // in the order of use
  };

  // The named step fails from now on: intend, record, clear_intents, find, forget, upsert, count,
  // remove, recall, keep; of the catalog and the blobs each call, as catalog.add.
  void break_step(const std::string& step);
  void mend();
  Result<void> enter(const std::string& step);
  void forget_intents(const std::string& key);  // with mutex held

  std::mutex mutex;
  // Guarded by mutex.
  std::string broken_step;
  std::map<std::string, DocumentRecord> documents;
  std::set<VersionName> intents;
  std::map<std::string, VersionId> last_intents;
  std::map<VersionName, std::vector<StoredChunk>> versions;
  std::map<EmbeddingId, std::vector<float>> embeddings;
  std::map<CatalogName, CatalogEntry> catalog;
  std::map<std::pair<std::string, std::string>, KeyUse> catalog_keys;  // of tenant and key
  std::map<std::string, Reservation> reserved;                         // by location
  std::map<std::string, std::string> blobs;                            // likewise
};

class MemoryLedger : public Ledger {
 public:
  explicit MemoryLedger(MemoryStore& store) : store_(store) {}

  Result<std::optional<DocumentRecord>> find(const std::string& key) override;
  Result<void> intend(std::span<const VersionName> intents) override;
  Result<std::vector<std::string>> record(std::span<const DocumentRecord> records) override;
  Result<void> clear_intents(std::span<const VersionName> intents) override;
  Result<std::uint64_t> put_back(std::span<const Outcome> outcomes) override;
  Result<void> put_back(const std::string& key) override;
  Result<std::vector<std::string>> forget(std::span<const std::string> keys) override;
  Result<void> for_each(const std::function<bool(const DocumentRecord&)>& visit) override;
  Result<std::vector<VersionName>> intents() override;
  Result<std::vector<VersionName>> intents(std::span<const std::string> keys) override;
  Result<LedgerTotals> totals() override;

 private:
  MemoryStore& store_;
};

class MemoryVectors final : public VectorStore {
 public:
  explicit MemoryVectors(MemoryStore& store) : store_(store) {}

  Result<void> upsert(std::span<const VersionChunks> versions) override;
  Result<std::vector<VersionCount>> count(std::span<const VersionName> versions) override;
  Result<void> remove(std::span<const VersionName> versions) override;
  Result<std::vector<Hit>> search(std::span<const float> query, std::size_t hits_max,
                                  const std::function<bool(const std::string&)>& accept) override;
  Result<void> for_each(const std::function<bool(const StoredVersion&)>& visit) override;
  Result<std::vector<StoredChunk>> chunks(const VersionName& version) override;
  Result<VersionCount> totals() override;
  void require_model(const std::string&, std::size_t) override {}

 private:
  MemoryStore& store_;
};

class MemoryEmbeddings final : public EmbeddingCache {
 public:
  explicit MemoryEmbeddings(MemoryStore& store) : store_(store) {}

  Result<std::vector<bool>> find(std::span<const EmbeddingId> ids, std::span<float> rows) override;
  Result<void> put(std::span<const CachedEmbedding> embeddings) override;

 private:
  MemoryStore& store_;
};

}  // namespace penstock
