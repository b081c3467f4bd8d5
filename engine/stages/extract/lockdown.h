// Takes from this process, for good, everything that extracting text does not need.
#pragma once

#include <cstdint>
#include <string>

namespace penstock {

struct Lockdown {
  int landlock_abi = 0;  // 0: the kernel has none; files are then guarded by seccomp alone
  bool seccomp = false;
  bool memory_limit = false;
};

// No new privileges, no core dumps, no further processes; at most memory_bytes_max of address
// space; no file but Poppler's character maps; no network; only the system calls that extraction
// makes, any other kills the process. Throws FatalError if the kernel refuses what it has. One
// thread; before any untrusted byte is looked at. Under a sanitizer, which needs terabytes of
// address space and calls of its own, there is neither a memory limit nor a filter of calls.
Lockdown lock_down(std::uint64_t memory_bytes_max);

}  // namespace penstock
