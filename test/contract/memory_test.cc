// The fakes of the pipeline's tests keep the contracts, too: what passes with them means something.
#include "test/contract/embedding_cache_contract.h"
#include "test/contract/ledger_contract.h"
#include "test/contract/vector_store_contract.h"
#include "test/support/catch.h"
#include "test/support/memory_store.h"

namespace penstock {
namespace {

TEST_CASE("memory ledger: keeps the contract") {
  MemoryStore store;
  run_ledger_contract(
      [&]() -> OpenLedger { return [&] { return std::make_unique<MemoryLedger>(store); }; });
}

TEST_CASE("memory vectors: keep the contract") {
  MemoryStore store;
  run_vector_store_contract(
      [&]() -> OpenVectorStore { return [&] { return std::make_unique<MemoryVectors>(store); }; });
}

TEST_CASE("memory embeddings: keep the contract") {
  MemoryStore store;
  run_embedding_cache_contract([&] { return std::make_unique<MemoryEmbeddings>(store); });
}

}  // namespace
}  // namespace penstock
