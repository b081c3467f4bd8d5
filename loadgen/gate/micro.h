// Microbenchmarks of two builds: programs of Google Benchmark, run turn and turn about, or what
// they wrote as JSON.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "loadgen/gate/gate_plan.h"
#include "loadgen/gate/gate_record.h"

namespace penstock {

// Seconds an iteration takes, by benchmark, of each repetition: CPU time, or real time where the
// benchmark is measured by it. Throws FatalError when it is no JSON of Google Benchmark.
std::vector<Values> benchmark_times(const std::string& json, const std::string& name);

// The record's builds, metrics and pairs. `decided` and `show` as of run_pairs. Throws FatalError.
void run_benchmarks(const GatePlan& plan, const std::string& folder,
                    const std::function<bool(const GateRecord&)>& decided,
                    const std::atomic<bool>& interrupted, const std::function<void()>& show,
                    GateRecord& record);

}  // namespace penstock
