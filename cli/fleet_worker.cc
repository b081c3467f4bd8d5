#include "cli/fleet_worker.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "cli/exit_codes.h"
#include "cli/json.h"
#include "cli/worker_reports.h"
#include "reports/format.h"

namespace penstock {
namespace {

// For what is given back without being waited for.
constexpr std::chrono::seconds last_moments{2};

// A lane of the broker, watched: how many documents are in work, which was taken when, and what is
// to be given back at the end.
class WatchedQueue final : public WorkQueue {
 public:
  WatchedQueue(WorkQueue& queue, WorkerReports& reports, bool json)
      : queue_(queue), reports_(reports), json_(json) {}

  std::optional<Claim> claim() override {
    {
      const std::lock_guard lock(mutex_);
      if (is_cut_off_) return std::nullopt;
      ++calls_;
    }
    std::optional<Claim> claim = queue_.claim();
    {
      const std::lock_guard lock(mutex_);
      --calls_;
      if (claim) in_work_.emplace(claim->key, *claim);
    }
    returned_.notify_one();
    if (!claim) return claim;
    reports_.claimed();
    if (json_) print_json_line({{"event", "claimed"}, {"key", claim->key}});
    return claim;
  }
  void acknowledge(const Claim& claim, Outcome outcome, const std::string& message) override {
    const std::lock_guard lock(mutex_);
    if (!has_ended(claim)) return;
    queue_.acknowledge(claim, outcome, message);
  }
  void give_back(const Claim& claim) override {
    const std::lock_guard lock(mutex_);
    if (!has_ended(claim)) return;
    queue_.give_back(claim);
  }
  std::vector<bool> holds(std::span<const std::string> keys) override {
    {
      const std::lock_guard lock(mutex_);
      if (is_cut_off_) return std::vector<bool>(keys.size(), false);
      ++calls_;
    }
    std::vector<bool> held = queue_.holds(keys);
    {
      const std::lock_guard lock(mutex_);
      --calls_;
    }
    returned_.notify_one();
    return held;
  }
  void close() override {
    const std::lock_guard lock(mutex_);
    if (!is_cut_off_) queue_.close();
  }

  // Once it is closed: gives back what is in work, and returns how much that was. Nothing reaches
  // the broker from here on, so that it may go.
  std::size_t cut_off() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return calls_ == 0; });
    is_cut_off_ = true;
    for (const auto& [key, claim] : in_work_) queue_.give_back(claim);
    return std::exchange(in_work_, {}).size();
  }

 private:
  // False if it was given back before.
  bool has_ended(const Claim& claim) {
    if (in_work_.erase(claim.key) == 0) return false;
    reports_.ended();
    return true;
  }

  WorkQueue& queue_;
  WorkerReports& reports_;
  const bool json_;

  std::mutex mutex_;
  std::condition_variable returned_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Claim> in_work_;  // by key; the pipeline bounds them
  int calls_ = 0;  // of the broker that may block, and have not returned
  bool is_cut_off_ = false;
};

// After the first interrupt documents in work have so long to end. Then nothing more is sent to the
// embedder, and what waits for it is given back, which takes no time. What still has not ended
// waits for an answer, a disk, a server: `give_up` is to end it, and does not return.
class DrainDeadline {
 public:
  DrainDeadline(std::chrono::seconds timeout, Quota& quota, std::function<void()> give_up)
      : timeout_(timeout),
        quota_(quota),
        give_up_(std::move(give_up)),
        thread_([this] { wait(); }) {}
  ~DrainDeadline() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  DrainDeadline(const DrainDeadline&) = delete;
  DrainDeadline& operator=(const DrainDeadline&) = delete;

  void begin() {
    {
      const std::lock_guard lock(mutex_);
      begun_ = true;
    }
    changed_.notify_one();
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_ || ended_; });
    if (has_ended_within(timeout_, lock)) return;
    lock.unlock();
    quota_.stop();
    lock.lock();
    if (has_ended_within(last_moments, lock)) return;
    give_up_();
  }
  bool has_ended_within(std::chrono::seconds time, std::unique_lock<std::mutex>& lock) {
    return changed_.wait_for(lock, time, [this] { return ended_; });
  }

  const std::chrono::seconds timeout_;
  Quota& quota_;
  const std::function<void()> give_up_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;  // guarded by mutex_
  bool ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace

FleetWorker::FleetWorker(Engine& engine, Store& store, std::unique_ptr<Broker> broker,
                         FleetWorkerOptions options)
    : engine_(engine), store_(store), broker_(std::move(broker)), options_(std::move(options)) {}

FleetWorker::~FleetWorker() = default;

Result<void> FleetWorker::run(const Pipeline::Observer& observe) {
  WorkerReports reports(*broker_, options_.name, engine_.service().shared_budget(), counter_);
  WatchedQueue bulk(broker_->queue(Lane::bulk), reports, options_.json);
  WatchedQueue interactive(broker_->queue(Lane::interactive), reports, options_.json);
  PipelineParts parts = engine_.parts(bulk, store_);
  parts.interactive_queue = &interactive;
  parts.events = options_.events;
  // As if it were killed, which costs nothing but what was in work, except that nobody has to wait
  // until the leases end.
  const auto give_up = [&] {
    const std::size_t documents = bulk.cut_off() + interactive.cut_off();
    reports.stop();
    options_.before_giving_up();
    broker_.reset();
    options_.gave_up(documents);
  };
  DrainDeadline deadline(options_.drain_timeout, engine_.service().quota(), give_up);
  Pipeline pipeline(parts, engine_.pipeline_options(), [&](const FinishedDocument& document) {
    counter_.count(document);
    if (observe) observe(document);
  });
  const auto begin_drain = [&] {
    reports.draining();
    for (WorkQueue* queue : {&bulk, &interactive}) queue->close();
    deadline.begin();
  };
  {
    const std::lock_guard lock(mutex_);
    drain_ = begin_drain;
    if (is_draining_) begin_drain();
  }
  Result<void> ran = pipeline.run();
  const std::lock_guard lock(mutex_);
  drain_ = {};
  return ran;
}

void FleetWorker::drain() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(is_draining_, true)) return;
  if (drain_) drain_();
}

void end_after_giving_up(std::size_t documents, bool json) {
  if (json) {
    print_json_line({{"event", "given_back"}, {"documents", documents}});
  } else {
    fmt::print(stderr, "penstock: {} did not end in time and went back to the queue\n",
               counted(documents, "document"));
  }
  std::fflush(stdout);
  std::_Exit(exit_done);
}

}  // namespace penstock
