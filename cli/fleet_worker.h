// Works for a fleet's queue in this process, until it is told to drain.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "cli/run_counts.h"
#include "cli/store.h"
#include "cli/wiring.h"
#include "engine/io/broker.h"
#include "engine/io/events.h"
#include "engine/pipeline/pipeline.h"

namespace penstock {

struct FleetWorkerOptions {
  std::string name;  // the broker's worker
  std::chrono::seconds drain_timeout{25};
  Events* events = nullptr;  // is told how documents get on
  bool json = false;         // a line for each claim
  // Documents that have not ended in time are given back, and the process ends: first, whatever
  // uses the broker is to stop; then, that many were given back, and it does not return.
  std::function<void()> before_giving_up;
  std::function<void(std::size_t)> gave_up;
};

class FleetWorker {
 public:
  // The broker has the worker's name. Engine and store outlive it.
  FleetWorker(Engine& engine, Store& store, std::unique_ptr<Broker> broker,
              FleetWorkerOptions options);
  ~FleetWorker();
  FleetWorker(const FleetWorker&) = delete;
  FleetWorker& operator=(const FleetWorker&) = delete;

  Broker& broker() { return *broker_; }
  const RunCounter& counter() const { return counter_; }

  // Until it was drained, or the queue says that there is nothing more. As Pipeline::run(). Once.
  Result<void> run(const Pipeline::Observer& observe);
  // Takes nothing more; what is in work ends, or goes back to the queue. Any thread.
  void drain();

 private:
  Engine& engine_;
  Store& store_;
  std::unique_ptr<Broker> broker_;
  const FleetWorkerOptions options_;
  RunCounter counter_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::function<void()> drain_;  // while it runs
  bool is_draining_ = false;
};

// Ends the process as a drained worker does, after it gave so many documents back.
[[noreturn]] void end_after_giving_up(std::size_t documents, bool json);

}  // namespace penstock
