// A system watched from inside: by its queue while it is loaded, by ledger and vectors afterwards.
// A document is known by its key.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/broker.h"
#include "engine/io/events.h"
#include "loadgen/backends.h"
#include "loadgen/clock_bridge.h"
#include "loadgen/observer.h"
#include "loadgen/system_under_test.h"

namespace penstock {

// What is asked of a queue, as of Broker. Any thread.
struct QueueEyes {
  std::function<Result<BrokerState>()> state;
  std::function<Result<std::vector<std::optional<QueuedDocument>>>(std::span<const std::string>)>
      find;
};

class RecordsObserver final : public Observer {
 public:
  // `events`: of the queue; null: whoever loads the system tells the journal of ends. All outlive
  // it.
  RecordsObserver(Records& records, QueueEyes queue, Events* events, Journal& journal,
                  std::string name_prefix, const SystemFacts& facts);
  ~RecordsObserver() override;

  std::optional<Depth> depth() override;
  void ask_for_ends() override;
  Result<void> complete(RunRecord& run) override;
  std::optional<std::string> wrong_with(const Arrival& arrival, const Content& content) override;

 private:
  // Those of documents that have no outcome in the ledger.
  Result<void> complete_unended(RunRecord& run, const std::vector<std::size_t>& unended,
                                const ClockBridge& bridge);
  void look_until_stopped();
  void hear(const DocumentEvent& event);
  // Where the system has a clock of its own.
  void set_right(RunRecord& run) const;
  Result<bool> is_found(const std::string& key, const std::string& phrase);

  Records& records_;
  const QueueEyes queue_;
  Journal& journal_;
  const std::string name_prefix_;
  const SystemFacts& facts_;
  const ClockSight first_sight_;

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  // By how much the system's calendar is ahead of ours, at least: nothing is told before it
  // happens. Guarded by mutex_. Absent: nothing was told.
  std::optional<std::chrono::nanoseconds> ahead_min_;
  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;  // last, both: use the rest
};

}  // namespace penstock
