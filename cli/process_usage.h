// What this process and its extraction processes use of the machine, as the kernel tells it.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock {

struct ProcessUsage {
  std::chrono::duration<double> cpu{0};  // user and system; of children, those that live
  std::uint64_t memory_bytes = 0;        // resident; what processes share counts for each
};

// From /proc; zeros where that cannot be read.
ProcessUsage process_usage();

}  // namespace penstock
