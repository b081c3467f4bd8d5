// Sees to it that what was accepted gets into the queue, and what is nobody's any more goes away.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/core/error.h"
#include "engine/service/service_parts.h"

namespace penstock {

struct SweeperOptions {
  std::chrono::milliseconds interval{2'000};
  // Younger entries are being enqueued by who took them in.
  std::chrono::milliseconds enqueue_after{5'000};
  // Longer than any upload takes, and than a worker reads a content that was replaced.
  std::chrono::milliseconds remove_after = std::chrono::hours(6);
  // Entries, and blobs, that one step of a round looks at.
  std::size_t at_once = 500;
};

// Where the next round goes on, so that what cannot be dealt with stands in nobody's way. Absent:
// at the oldest.
struct SweeperPlace {
  std::optional<CatalogEntry> removed;
  std::optional<CondemnedBlob> condemned;
};

// Several fronts may sweep the same catalog: each step may be done twice.
class Sweeper {
 public:
  Sweeper(const ServiceParts& parts, SweeperOptions options);
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  // One round. Blocks.
  static Result<void> sweep(const ServiceParts& parts, const SweeperOptions& options,
                            SweeperPlace& place, WallTime now);

 private:
  void sweep_until_stopped();

  const ServiceParts& parts_;
  const SweeperOptions options_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock
