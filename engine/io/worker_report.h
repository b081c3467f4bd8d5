// What a worker says of itself, every few seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// A second, in the last minute, or since the worker started if that is less.
struct WorkerRates {
  double documents = 0;  // that had an outcome
  double failed = 0;     // of these
  double pages = 0;
  double tokens = 0;
};

// Sums are since the worker started.
struct WorkerReport {
  std::string worker;
  std::string budget;  // SharedBudget::name() of the quota that it shares; empty: it shares none
  std::uint64_t documents_in_flight = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t pages = 0;
  std::uint64_t tokens = 0;
  std::uint64_t vectors = 0;  // that it stored
  WorkerRates rates;
  double cpu_cores = 0;  // used, on average since the last report, with its extraction processes
  std::uint64_t memory_bytes = 0;  // resident, likewise
  std::chrono::seconds up{0};
  bool draining = false;
};

WorkerRates sum_of_rates(const std::vector<WorkerReport>& workers);

// As brokers keep it: a line "NAME VALUE" a field. One that another version of penstock wrote is
// read as far as this one knows its fields.
std::string to_text(const WorkerReport& report);
WorkerReport parse_worker_report(std::string_view text);

}  // namespace penstock
