// The right to write a store: one process at a time.
#pragma once

#include <string>

#include "engine/core/unique_fd.h"

namespace penstock {

// Held on PATH.lock, which is made and stays. The kernel frees it when the process ends, however it
// ends. Throws FatalError if another process holds it, and names that process.
class WriteLock {
 public:
  explicit WriteLock(const std::string& path);

 private:
  UniqueFd fd_;
};

}  // namespace penstock
