// A gate, from two builds to the record of what was seen of them.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "loadgen/gate/gate_plan.h"
#include "loadgen/gate/gate_record.h"

namespace penstock {

struct Build;

class GateRun {
 public:
  // Asked after each pair: whether more of them could change nothing.
  using Decided = std::function<bool(const GateRecord&)>;
  // Told of each thing that is begun: "counting instructions of chunk".
  using Progress = std::function<void(const std::string&)>;

  GateRun(GatePlan plan, Decided decided, Progress progress)
      : plan_(std::move(plan)), decided_(std::move(decided)), progress_(std::move(progress)) {}

  // Both throw FatalError when a build does not do its work. One of them, once; from the thread
  // that ends last.
  GateRecord run();
  // Of two programs of Google Benchmark, or of two files that they wrote as JSON.
  GateRecord run_micro();
  // Ends what runs; then the record is of what was seen. Any thread.
  void interrupt() { interrupted_ = true; }

 private:
  GateRecord begin() const;
  GateRecord end(GateRecord record, std::chrono::steady_clock::time_point began) const;
  void run_backfills(const Build& baseline, const Build& candidate, const std::string& corpus,
                     const std::string& folder, GateRecord& record);

  const GatePlan plan_;
  const Decided decided_;
  const Progress progress_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace penstock
