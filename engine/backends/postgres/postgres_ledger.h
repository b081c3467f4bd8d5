// The ledger in Postgres, of many workers.
#pragma once

#include "engine/backends/postgres/postgres_pool.h"
#include "engine/io/ledger.h"

namespace penstock {

// Several objects and processes at once. A document's row of `intents` is its lock: whoever intends
// or records holds it until its transaction ends, and takes those of a batch in the order of keys.
// A batch is a few round trips, however many documents it has.
//
// Repeated by the pool, each operation has the result of one: see PostgresPool. Only put_back may
// then count documents that its first attempt put back already as none.
class PostgresLedger final : public Ledger {
 public:
  // The pool outlives the ledger. Throws FatalError.
  explicit PostgresLedger(PostgresPool& pool);

  Result<std::optional<DocumentRecord>> find(const std::string& key) override;
  Result<void> intend(std::span<const VersionName> intents) override;
  Result<std::vector<std::string>> record(std::span<const DocumentRecord> records) override;
  Result<void> clear_intents(std::span<const VersionName> intents) override;
  Result<std::uint64_t> put_back(std::span<const Outcome> outcomes) override;
  Result<void> put_back(const std::string& key) override;
  Result<std::vector<std::string>> forget(std::span<const std::string> keys) override;
  // In pages of a few hundred records, each as it was when its page was read.
  Result<void> for_each(const std::function<bool(const DocumentRecord&)>& visit) override;
  Result<std::vector<VersionName>> intents() override;
  Result<std::vector<VersionName>> intents(std::span<const std::string> keys) override;
  Result<LedgerTotals> totals() override;

 private:
  PostgresPool& pool_;
};

}  // namespace penstock
