#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "cli/backend_url.h"
#include "cli/commands.h"
#include "cli/fleet.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/run.h"
#include "cli/worker_reports.h"

namespace penstock {
namespace {

// A lane of the broker, watched: how many documents are in work, and which was taken when.
class WatchedQueue final : public WorkQueue {
 public:
  WatchedQueue(WorkQueue& queue, WorkerReports& reports, bool json)
      : queue_(queue), reports_(reports), json_(json) {}

  std::optional<Claim> claim() override {
    std::optional<Claim> claim = queue_.claim();
    if (!claim) return claim;
    reports_.claimed();
    if (json_) print_json_line({{"event", "claimed"}, {"key", claim->key}});
    return claim;
  }
  void acknowledge(const Claim& claim, Outcome outcome, const std::string& message) override {
    reports_.ended();
    queue_.acknowledge(claim, outcome, message);
  }
  void give_back(const Claim& claim) override {
    reports_.ended();
    queue_.give_back(claim);
  }
  void close() override { queue_.close(); }

 private:
  WorkQueue& queue_;
  WorkerReports& reports_;
  const bool json_;
};

// After the first interrupt documents in work have so long to end. Then nothing more is sent to the
// embedder, and what waits for it is given back.
class DrainDeadline {
 public:
  DrainDeadline(std::chrono::seconds timeout, Quota& quota)
      : timeout_(timeout), quota_(quota), thread_([this] { wait(); }) {}
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
    changed_.wait_for(lock, timeout_, [this] { return ended_; });
    if (ended_) return;
    lock.unlock();
    quota_.stop();
  }

  const std::chrono::seconds timeout_;
  Quota& quota_;
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
  const std::unique_ptr<Broker> broker = open_broker(options.fleet, broker_settings);
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
    DrainDeadline deadline(std::chrono::seconds(options.drain_timeout_s), engine.service().quota());
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
