// Tells the broker every few seconds how this worker is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "cli/recent_rates.h"
#include "cli/run_counts.h"
#include "engine/core/clock.h"
#include "engine/core/process_usage.h"
#include "engine/io/broker.h"

namespace penstock {

class WorkerReports {
 public:
  // `broker` and `counter` outlive it. A report that the broker does not take is made up for by the
  // next.
  WorkerReports(Broker& broker, std::string worker, std::string budget, const RunCounter& counter);
  ~WorkerReports();
  WorkerReports(const WorkerReports&) = delete;
  WorkerReports& operator=(const WorkerReports&) = delete;

  // Any thread.
  void claimed() { ++in_flight_; }
  void ended() { --in_flight_; }
  void draining() { draining_ = true; }
  // The broker is not used any more once it returns.
  void stop();

 private:
  void report_until_stopped();
  void report();

  Broker& broker_;
  const std::string worker_;
  const std::string budget_;
  const RunCounter& counter_;
  const TimePoint started_;
  std::atomic<std::uint64_t> in_flight_{0};
  std::atomic<bool> draining_{false};

  // Of the thread only.
  ProcessUsage last_usage_;
  TimePoint last_report_;
  RecentRates rates_;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock
