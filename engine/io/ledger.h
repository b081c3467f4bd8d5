// The durable record of what happened to each document. Embedded: SQLite. Later: Postgres.
//
// A version becomes current in this order, whatever is killed and whenever:
//   intend -> VectorStore::upsert -> VectorStore::count -> record
//          -> VectorStore::remove_other_versions -> clear_intents
// Until `record`, the old version is current and searchable. Whatever a crash leaves behind, in the
// vector store or here, belongs to a document that still has its intent: the next run looks there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/ids.h"
#include "engine/core/outcome.h"
#include "engine/io/work_queue.h"

namespace penstock {

// The version that is searchable.
struct CurrentVersion {
  VersionId id;
  std::uint32_t pages = 0;
  std::uint32_t chunks = 0;
  std::uint64_t tokens = 0;  // summed over chunks: what embedding them costs
};

struct DocumentRecord {
  Claim claim;  // key, location, metadata, and the stamp at the last attempt
  // The last attempt: of which content, and what became of it. Absent: nothing could be read.
  std::optional<VersionId> attempted;
  Outcome outcome = Outcome::pending;
  std::string message;  // for a person; empty when the outcome says it all
  std::uint32_t attempts = 0;
  // The pipeline's parameters at the last attempt, part of every version's identity.
  std::string fingerprint;
  // Set exactly when some version is complete. After a changed document failed, the version before
  // the change stays current: what was searchable stays searchable.
  std::optional<CurrentVersion> current;
};

struct Intent {
  std::string key;
  VersionId version;
};

struct LedgerTotals {
  std::map<Outcome, std::uint64_t> documents;  // a count per outcome of the last attempt
  std::uint64_t chunks = 0;                    // of current versions, as are pages and tokens
  std::uint64_t pages = 0;
  std::uint64_t tokens = 0;
  std::uint64_t bytes = 0;  // of all documents, by their stamps
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  // Any thread, concurrently with everything else.
  virtual Result<std::optional<DocumentRecord>> find(const std::string& key) = 0;

  // Says that vectors of these versions are about to be written. Idempotent. One writer thread.
  virtual Result<void> intend(std::span<const Intent> intents) = 0;

  // Stores the records whole, all or none; leaves intents alone. The ledger counts attempts itself:
  // DocumentRecord::attempts is ignored here. One writer thread.
  virtual Result<void> record(std::span<const DocumentRecord> records) = 0;

  // The vectors of these documents are exactly those of their current versions. One writer thread.
  virtual Result<void> clear_intents(std::span<const std::string> keys) = 0;

  // Makes failed documents of these outcomes pending, so that the next run takes them again.
  // Returns how many.
  virtual Result<std::uint64_t> put_back(std::span<const Outcome> outcomes) = 0;
  // Makes one document pending, whatever its outcome. No error if the key is unknown.
  virtual Result<void> put_back(const std::string& key) = 0;

  // Removes the documents and their intents. Their vectors go first: the caller removes those.
  virtual Result<void> forget(std::span<const std::string> keys) = 0;

  // Every record, ordered by key, until the visitor returns false. The visitor must not write.
  virtual Result<void> for_each(const std::function<bool(const DocumentRecord&)>& visit) = 0;
  // The intents of interrupted runs.
  virtual Result<std::vector<Intent>> intents() = 0;

  virtual Result<LedgerTotals> totals() = 0;
};

}  // namespace penstock
