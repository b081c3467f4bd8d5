// What the events of late say: how far documents are that the ledger does not know yet, and how
// long the ways of those took that came to their end.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/core/document_times.h"
#include "engine/io/events.h"
#include "engine/service/metrics.h"

namespace penstock {

// A stage of the documents that ended lately.
struct StageLatency {
  std::string_view name;  // queued, extract, embed, store, total
  std::chrono::milliseconds p50{0};
  std::chrono::milliseconds p95{0};
  std::size_t documents = 0;  // that came that way
};

class Tracker {
 public:
  // Both outlive it.
  Tracker(Events& events, Metrics& metrics);

  // How far the document is, as far as it was heard of. Any thread.
  std::optional<DocumentTimes> times_of(const std::string& key) const;
  // Any thread.
  std::vector<StageLatency> latencies() const;

 private:
  struct Way {
    std::optional<WallTime> received;
    std::optional<WallTime> queued;
    DocumentTimes times;
  };
  // How long each stage took, absent where there was none.
  using Durations = std::array<std::optional<Duration>, 5>;

  void hear(const DocumentEvent& event);
  void end(const DocumentEvent& event, const Way& way);

  Metrics& metrics_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Way> ways_;
  std::deque<std::string> heard_of_;  // keys of ways_, the oldest first: the first to be forgotten
  std::deque<Durations> ended_;

  std::unique_ptr<Subscription> subscription_;  // last: it ends first
};

}  // namespace penstock
