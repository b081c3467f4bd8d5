#include "test/support/memory_blobs.h"

#include <utility>

namespace penstock {
namespace {

class MemoryBlobWriter final : public BlobWriter {
 public:
  MemoryBlobWriter(MemoryStore& store, std::string location)
      : store_(store), location_(std::move(location)) {}

  Result<void> append(std::string_view bytes) override {
    if (auto entered = store_.enter("blobs.append"); !entered) return entered;
    bytes_.append(bytes);
    return {};
  }
  Result<void> commit() override {
    if (auto entered = store_.enter("blobs.commit"); !entered) return entered;
    const std::lock_guard lock(store_.mutex);
    store_.blobs[location_] = std::move(bytes_);
    return {};
  }

 private:
  MemoryStore& store_;
  const std::string location_;
  std::string bytes_;
};

}  // namespace

Result<MemoryFile> MemoryBlobs::read(const std::string& location, std::uint64_t bytes_max) {
  if (auto entered = store_.enter("blobs.read"); !entered) return pass_on(entered.error());
  const std::lock_guard lock(store_.mutex);
  const auto found = store_.blobs.find(location);
  if (found == store_.blobs.end()) return permanent_error("there is none");
  if (found->second.size() > bytes_max) return permanent_error("it is too large");
  return MemoryFile::of(found->second);
}

Result<void> MemoryBlobs::write(const std::string& location, std::string_view bytes) {
  if (auto entered = store_.enter("blobs.write"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  store_.blobs[location] = bytes;
  return {};
}

Result<std::unique_ptr<BlobWriter>> MemoryBlobs::begin(const std::string& location) {
  if (auto entered = store_.enter("blobs.begin"); !entered) return pass_on(entered.error());
  return std::make_unique<MemoryBlobWriter>(store_, location);
}

Result<void> MemoryBlobs::remove(const std::string& location) {
  if (auto entered = store_.enter("blobs.remove"); !entered) return entered;
  const std::lock_guard lock(store_.mutex);
  store_.blobs.erase(location);
  return {};
}

}  // namespace penstock
