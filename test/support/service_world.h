// What a service is made of: in memory, but for its queue.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "engine/backends/sqlite/sqlite_broker.h"
#include "engine/service/service_parts.h"
#include "test/support/memory_blobs.h"
#include "test/support/memory_catalog.h"
#include "test/support/memory_events.h"
#include "test/support/memory_store.h"
#include "test/support/temp_dir.h"

namespace penstock {

class ServiceWorld {
 public:
  explicit ServiceWorld(AdmissionLimits limits = {}, const BrokerOptions& queue = {})
      : broker(queue_file(), queue),
        admission_(limits),
        parts{catalog,
              broker,
              ledger,
              vectors_,
              blobs,
              events,
              metrics,
              admission_,
              tracker_,
              threads_,
              "blobs",
              "",
              Secret("s"),
              [](const std::string&) { return Result<std::vector<float>>(); },
              [](const std::vector<WorkerReport>&) { return std::vector<BudgetUse>(); },
              [](Metrics&) {},
              [this](const std::string& line) {
                const std::lock_guard lock(mutex_);
                log_.push_back(line);
              }} {}

  std::string queue_file() const { return folder_.path("queue.db"); }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  const TempDir folder_;
  std::mutex mutex_;
  std::vector<std::string> log_;  // guarded by mutex_

 public:
  MemoryStore store;
  MemoryCatalog catalog{store};
  MemoryLedger ledger{store};
  MemoryBlobs blobs{store};
  MemoryEvents events;
  SqliteBroker broker;
  Metrics metrics;

 private:
  MemoryVectors vectors_{store};
  AdmissionControl admission_;
  Tracker tracker_{events, metrics};
  IoThreads threads_{2};

 public:
  const ServiceParts parts;
};

}  // namespace penstock
