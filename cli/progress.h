// Shows how a run gets on: one line that rewrites itself on a terminal, a line every ten seconds in
// a pipe, JSON lines for machines. Failed documents are named as they fail.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "cli/embedding_service.h"
#include "cli/run_counts.h"
#include "engine/io/broker.h"
#include "engine/pipeline/pipeline.h"

namespace penstock {

// How much there is to do, as far as somebody has counted it.
struct Expected {
  std::atomic<std::uint64_t> documents{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<bool> complete{false};  // whether all has been counted
};

class Progress {
 public:
  // All outlive it. `queue`: where the work comes from, if that is a fleet's.
  Progress(bool json, const RunCounter& counter, const Expected& expected,
           const EmbeddingService& service, const Broker* queue = nullptr);
  ~Progress() { stop(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Called for each document, one at a time.
  void finished(const FinishedDocument& document);
  // Says at once that the run finishes what is in flight, and what a second interrupt does.
  void draining();
  // Shows nothing more by itself, and looks at the queue no more; clears the line.
  void stop();

 private:
  void show_until_stopped();
  void look_at_queue(TimePoint now);
  // Says it when something goes down, not as long as it is.
  void tell_if_down(const char* what, bool is_down, bool& was_down, const std::string& reason);
  std::string line(const RunCounts& counts, const std::optional<ThrottleState>& quota,
                   std::size_t columns) const;
  void print_progress(const RunCounts& counts, const std::optional<ThrottleState>& quota);

  const bool json_;
  const bool terminal_;
  const RunCounter& counter_;
  const Expected& expected_;
  const EmbeddingService& service_;
  const Broker* const queue_;
  const TimePoint started_;
  std::atomic<bool> draining_{false};
  std::atomic<std::uint64_t> bytes_passed_{0};  // of all documents that came to their end

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;       // guarded by mutex_
  bool line_is_shown_ = false;  // guarded by mutex_, as is what is written to the terminal

  // Of the thread only.
  bool service_was_down_ = false;
  bool queue_was_down_ = false;
  std::string queue_failure_;  // empty: it can be reached
  TimePoint queue_failed_at_;  // last

  std::thread thread_;
};

}  // namespace penstock
