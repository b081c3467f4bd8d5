// Blobs in memory, of the same MemoryStore as ledger and catalog.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/io/blob_store.h"
#include "test/support/memory_store.h"

namespace penstock {

class MemoryBlobs final : public BlobStore {
 public:
  explicit MemoryBlobs(MemoryStore& store) : store_(store) {}

  Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) override;
  Result<void> write(const std::string& location, std::string_view bytes) override;
  Result<std::unique_ptr<BlobWriter>> begin(const std::string& location) override;
  Result<void> remove(const std::string& location) override;

 private:
  MemoryStore& store_;
};

}  // namespace penstock
