// The durable record of what happened to each document. Embedded: SQLite. A fleet's: Postgres.
//
// A version becomes current in this order, whatever is killed and whenever:
//   intend -> WorkQueue::holds -> VectorStore::upsert -> VectorStore::count -> record
//          -> VectorStore::remove (the versions before it) -> clear_intents
// Until `record`, the old version is current and searchable. Whatever a crash leaves behind, in the
// vector store or here, belongs to a document that still has its intent: whoever takes the document
// next, or the next run, looks there.
//
// A document is removed in this order, and whoever takes its removal next goes on with it:
//   intend (VersionId(), no version) -> WorkQueue::holds -> record (pending, without a version)
//          -> VectorStore::remove (all its versions) -> forget
//
// An intent is a fence, too. A worker that was thought dead, and was only slow, finds that another
// one has intended a version since, and its record is refused: what is current is what was intended
// last. One that was so slow that the other has even finished intends after it: so who has intended
// asks whether its claim is its own still (WorkQueue::holds), before it goes on. If it is, whoever
// is given the document later also intends later, and sees this intent; that holds however long it
// stands still from here on. If it is not, it stops. That is why a removal need leave nothing
// behind that remembers it. Without a queue's leases, it is refused by what it would replace.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/document_times.h"
#include "engine/core/error.h"
#include "engine/core/ids.h"
#include "engine/core/outcome.h"
#include "engine/io/version_name.h"
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
  DocumentTimes times;
  // The pipeline's parameters at the last attempt, part of every version's identity.
  std::string fingerprint;
  // Set exactly when some version is complete. After a changed document failed, the version before
  // the change stays current: what was searchable stays searchable.
  std::optional<CurrentVersion> current;
  // To Ledger::record() only, and not kept: what was current when the work began that this tells
  // of, VersionId() for none. Absent: it does not matter.
  std::optional<VersionId> replaces;
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

  // Says that vectors of these versions are about to be written, or with VersionId() for a version,
  // that the document is to have none. Supersedes the document's earlier intents, those before it
  // in the span too; they stay. Idempotent. One writer thread.
  virtual Result<void> intend(std::span<const VersionName> intents) = 0;

  // Stores the records whole, all that are not refused or none; leaves intents alone. A record that
  // makes another version current than was is refused unless that version's intent is the
  // document's last, and what it replaces was current; returns the keys of those. The ledger counts
  // attempts itself:
  // DocumentRecord::attempts is ignored here. One writer thread.
  virtual Result<std::vector<std::string>> record(std::span<const DocumentRecord> records) = 0;

  // Of the vectors of these documents, only those of the versions named here are left, or none.
  // Clears the intents and those that they superseded; an intent that was superseded itself clears
  // nothing. One writer thread.
  virtual Result<void> clear_intents(std::span<const VersionName> intents) = 0;

  // Makes failed documents of these outcomes pending, so that the next run takes them again:
  // without their message and times, which told of the attempt before. Returns how many.
  virtual Result<std::uint64_t> put_back(std::span<const Outcome> outcomes) = 0;
  // Makes one document pending, whatever its outcome. No error if the key is unknown.
  virtual Result<void> put_back(const std::string& key) = 0;

  // Removes the documents and their intents, whose vectors went before: the caller removes those.
  // Documents stay of which a version is current, or was intended last; returns the keys of those.
  // One writer thread.
  virtual Result<std::vector<std::string>> forget(std::span<const std::string> keys) = 0;

  // Every record, ordered by key, until the visitor returns false. The visitor must not write.
  virtual Result<void> for_each(const std::function<bool(const DocumentRecord&)>& visit) = 0;
  // Every intent: what interrupted runs left, and what is under way, in the order of keys.
  virtual Result<std::vector<VersionName>> intents() = 0;
  // Those of these documents.
  virtual Result<std::vector<VersionName>> intents(std::span<const std::string> keys) = 0;

  virtual Result<LedgerTotals> totals() = 0;
};

}  // namespace penstock
