// Where documents' bytes are. Embedded: the local file system. A fleet's: S3 and what speaks its
// protocol.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "engine/core/memory_file.h"

namespace penstock {

// A content that comes piece by piece, and is never held whole in memory. Gone without commit(),
// it leaves nothing. Blocks; one thread at a time. Errors as of BlobStore; after one it is of no
// use.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Result<void> append(std::string_view bytes) = 0;
  // Stores what came, as BlobStore::write(). Once, and the last call.
  virtual Result<void> commit() = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // The whole content at `location`. At most bytes_max bytes; longer is a permanent error. What is
  // not there, or may not be read, is a permanent error; what failed on the way is a retryable one.
  // A misconfigured one says that nothing can be read at all.
  // Blocks; any thread. The error's message does not repeat the location.
  virtual Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) = 0;

  // So many of its bytes from this one on, or those up to its end. Blocks; any thread. Errors as
  // above. A store that has nothing better reads all of it.
  virtual Result<std::string> read_range(const std::string& location, std::uint64_t offset,
                                         std::size_t bytes) {
    const Result<MemoryFile> whole = read(location, UINT64_MAX);
    if (!whole) return pass_on(whole.error());
    const std::string_view all = whole->bytes();
    return std::string(all.substr(std::min<std::uint64_t>(offset, all.size()), bytes));
  }

  // Stores the content at `location`, in place of what was there; it is there whole and durable
  // once this returns, and not at all before. Blocks; any thread. Errors as above.
  virtual Result<void> write(const std::string& location, std::string_view bytes) = 0;

  // The same for a content that comes piece by piece. The store outlives the writer.
  virtual Result<std::unique_ptr<BlobWriter>> begin(const std::string& location) = 0;

  // No error if nothing is there. Blocks; any thread. Errors as above.
  virtual Result<void> remove(const std::string& location) = 0;
};

}  // namespace penstock
