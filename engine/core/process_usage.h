// What processes use of the machine, as the kernel tells it in /proc; zeros where that cannot be
// read.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace penstock {

struct ProcessUsage {
  std::chrono::duration<double> cpu{0};  // user and system
  std::uint64_t memory_bytes = 0;        // resident; what processes share counts for each
  std::uint64_t descriptors = 0;         // open; zero if it is another user's
};

ProcessUsage process_usage(pid_t process);
// With all that it started, also of what has ended and was waited for.
ProcessUsage tree_usage(pid_t root);

}  // namespace penstock
