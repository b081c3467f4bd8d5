// The ledger in a SQLite file.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/backends/sqlite/database.h"
#include "engine/io/ledger.h"

namespace penstock {

// Opened to read, everything that writes is refused by SQLite. Two connections: lookups by many
// threads go through one under a mutex, and do not wait for the writer's transaction on the other.
class SqliteLedger final : public Ledger {
 public:
  // Throws FatalError.
  SqliteLedger(const std::string& path, OpenMode mode);
  ~SqliteLedger() override;

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

  // Reads the whole file, vectors too if they are in it.
  Result<void> check_integrity();

 private:
  struct Statements;

  // Whether the record would change what is current to what was not intended last.
  Result<bool> is_fenced_off(const DocumentRecord& record);

  Database writer_;
  std::unique_ptr<Statements> statements_;  // of writer_

  std::mutex find_mutex_;
  Database reader_;  // guarded by find_mutex_
  Statement find_;   // guarded by find_mutex_
};

}  // namespace penstock
