// Ledger against vector store: whether what the ledger says is searchable is there, and nothing
// else is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/core/error.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"

namespace penstock {

struct FsckReport {
  std::uint64_t documents = 0;   // in the ledger
  std::uint64_t versions = 0;    // in the vector store
  std::uint64_t incomplete = 0;  // current, but chunks or vectors are missing or too many
  std::uint64_t stale = 0;       // stored, but neither current nor under way
  std::uint64_t interrupted =
      0;  // a run was stopped in the middle of these; the next one ends them
  std::uint64_t repaired = 0;

  bool sound() const { return incomplete + stale == repaired; }
};

// One line a finding: the document's key, and what is wrong with it.
using FsckFinding = std::function<void(const std::string& key, const std::string& what)>;

// With `repair`, which needs the store's write lock, stale versions are removed, interrupted ones
// too, and incomplete documents are put back as pending, for the next run to process again.
Result<FsckReport> fsck(Ledger& ledger, VectorStore& vectors, bool repair,
                        const FsckFinding& finding);

}  // namespace penstock
