#include "cli/worker_reports.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace penstock {
namespace {

constexpr std::chrono::seconds report_interval{2};

}  // namespace

WorkerReports::WorkerReports(Broker& broker, std::string worker, std::string budget,
                             const RunCounter& counter)
    : broker_(broker),
      worker_(std::move(worker)),
      budget_(std::move(budget)),
      counter_(counter),
      started_(std::chrono::steady_clock::now()),
      last_usage_(tree_usage(getpid())),
      last_report_(started_),
      rates_(started_),
      thread_([this] { report_until_stopped(); }) {}

WorkerReports::~WorkerReports() {
  stop();
}

void WorkerReports::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void WorkerReports::report_until_stopped() {
  bool stopping = false;
  do {
    report();
    std::unique_lock lock(mutex_);
    stopping = stop_.wait_for(lock, report_interval, [this] { return stopping_; });
  } while (!stopping);
}

void WorkerReports::report() {
  const TimePoint now = std::chrono::steady_clock::now();
  const ProcessUsage usage = tree_usage(getpid());
  const RunCounts counts = counter_.counts();
  WorkerReport report;
  report.worker = worker_;
  report.budget = budget_;
  report.documents_in_flight = in_flight_;
  report.done = counts.seen - counts.failed;
  report.failed = counts.failed;
  report.pages = counts.pages;
  report.tokens = counts.tokens;
  report.vectors = counts.chunks;
  report.rates = rates_.add(now, report);
  const double seconds = std::chrono::duration<double>(now - last_report_).count();
  // A child that ended takes its time with it.
  const double cpu = std::max(0.0, (usage.cpu - last_usage_.cpu).count());
  if (seconds > 0) report.cpu_cores = cpu / seconds;
  report.memory_bytes = usage.memory_bytes;
  report.up = std::chrono::duration_cast<std::chrono::seconds>(now - started_);
  report.draining = draining_;
  last_usage_ = usage;
  last_report_ = now;
  static_cast<void>(broker_.report(report));
}

}  // namespace penstock
