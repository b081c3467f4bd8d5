// Where documents' bytes are. Embedded: the local file system. Later: s3://.
#pragma once

#include <cstdint>
#include <string>

#include "engine/core/error.h"
#include "engine/core/memory_file.h"

namespace penstock {

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // The whole content at `location`. At most bytes_max bytes; longer is a permanent error. Blocks;
  // any thread. The error's message does not repeat the location.
  virtual Result<MemoryFile> read(const std::string& location, std::uint64_t bytes_max) = 0;
};

}  // namespace penstock
