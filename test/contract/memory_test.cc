// The fakes of the pipeline's tests keep the contracts, too: what passes with them means something.
#include "test/contract/blob_store_contract.h"
#include "test/contract/catalog_contract.h"
#include "test/contract/embedding_cache_contract.h"
#include "test/contract/ledger_contract.h"
#include "test/contract/vector_store_contract.h"
#include "test/support/catch.h"
#include "test/support/memory_blobs.h"
#include "test/support/memory_catalog.h"
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

TEST_CASE("memory catalog: keeps the contract") {
  MemoryStore store;
  run_catalog_contract(
      [&]() -> OpenCatalog { return [&] { return std::make_unique<MemoryCatalog>(store); }; });
}

TEST_CASE("memory blobs: keep the contract") {
  MemoryStore store;
  MemoryBlobs blobs(store);
  run_blob_store_contract(blobs, "folder/");
}

TEST_CASE("memory catalog: a call that a test broke fails until it is mended") {
  MemoryStore store;
  MemoryCatalog catalog(store);
  store.break_step("catalog.reserve");
  const auto failed = catalog.reserve("a", WallTime());
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().kind == ErrorKind::retryable);
  CHECK(catalog.totals("").has_value());
  store.mend();
  CHECK(catalog.reserve("a", WallTime()).has_value());
}

}  // namespace
}  // namespace penstock
