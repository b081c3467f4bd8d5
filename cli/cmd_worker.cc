#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fleet.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/run.h"
#include "cli/worker_reports.h"

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
      is_claiming_ = true;
    }
    std::optional<Claim> claim = queue_.claim();
    {
      const std::lock_guard lock(mutex_);
      is_claiming_ = false;
      if (claim) in_work_.emplace(claim->key, *claim);
    }
    claimed_.notify_one();
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
  void close() override {
    const std::lock_guard lock(mutex_);
    if (!is_cut_off_) queue_.close();
  }

  // Once it is closed: gives back what is in work, and returns how much that was. Nothing reaches
  // the broker from here on, so that it may go.
  std::size_t cut_off() {
    std::unique_lock lock(mutex_);
    claimed_.wait(lock, [this] { return !is_claiming_; });
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
  std::condition_variable claimed_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Claim> in_work_;  // by key; the pipeline bounds them
  bool is_claiming_ = false;
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

BrokerOptions broker_options(const WorkerOptions& options) {
  BrokerOptions broker;
  broker.worker = new_worker_name();
  broker.lease = std::chrono::seconds(options.lease_s);
  broker.attempts_max = options.attempts_max;
  broker.backoff = std::chrono::seconds(options.backoff_s);
  broker.until_empty = options.until_empty;
  return broker;
}

}  // namespace

int run_worker(const WorkerOptions& options) {
  Interrupt interrupt;
  Engine engine(options.engine, shared_budget_of(options.fleet));
  Store store = open_store_for_writing(options.store, engine);
  const BrokerOptions broker_settings = broker_options(options);
  // Before the pipeline ends it gives back what it could not do: the broker outlives it.
  std::unique_ptr<Broker> broker = open_broker(options.fleet, broker_settings);
  if (options.json) {
    print_json_line({{"event", "worker"}, {"worker", broker_settings.worker}});
  } else {
    fmt::print(stderr, "{} works for {}\n", broker_settings.worker,
               printable(without_password(options.fleet.queue_url)));
  }

  RunCounter counter;
  WorkerReports reports(*broker, broker_settings.worker, engine.service().shared_budget(), counter);
  WatchedQueue bulk(broker->queue(Lane::bulk), reports, options.json);
  WatchedQueue interactive(broker->queue(Lane::interactive), reports, options.json);
  PipelineParts parts = engine.parts(bulk, store);
  parts.interactive_queue = &interactive;

  const TimePoint started = std::chrono::steady_clock::now();
  Result<void> ran;
  {
    const Expected expected;
    Progress progress(options.json, counter, expected, engine.service(), broker.get());
    // As if it were killed, which costs nothing but what was in work, except that nobody has to
    // wait until the leases end.
    const auto give_up = [&] {
      const std::size_t documents = bulk.cut_off() + interactive.cut_off();
      reports.stop();
      progress.stop();
      broker.reset();
      if (options.json) {
        print_json_line({{"event", "given_back"}, {"documents", documents}});
      } else {
        fmt::print(stderr, "penstock: {} did not end in time and went back to the queue\n",
                   counted(documents, "document"));
      }
      std::fflush(stdout);
      std::_Exit(exit_done);
    };
    DrainDeadline deadline(std::chrono::seconds(options.drain_timeout_s), engine.service().quota(),
                           give_up);
    Pipeline pipeline(parts, engine.pipeline_options(), [&](const FinishedDocument& document) {
      counter.count(document);
      progress.finished(document);
    });
    interrupt.on_first([&] {
      progress.draining();
      reports.draining();
      for (WorkQueue* queue : {&bulk, &interactive}) queue->close();
      deadline.begin();
    });
    ran = pipeline.run();
    interrupt.on_first({});
  }
  RunSummary summary = summarise(ran, engine, counter, interrupt, started);
  // A worker has no end of its own: what it leaves is the queue's, and nobody has to go on here.
  summary.drained = std::exchange(summary.interrupted, false);
  if (options.until_empty && !summary.drained) {
    if (const auto built = store.vectors->build_index(); !built)
      throw FatalError(built.error().message);
  }
  print_summary(summary, flags_of(options.store), options.json);
  return summary.exit_code();
}

}  // namespace penstock
