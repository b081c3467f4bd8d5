#include <fmt/format.h>

#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/gate_progress.h"
#include "cli/interrupt.h"
#include "loadgen/gate/gate_run.h"

namespace penstock {

int run_gate(const GateOptions& options) {
  Interrupt interrupt;
  GatePlan plan;
  plan.job = options.profile.empty() ? default_job() : read_job(options.profile);
  plan.baseline = options.baseline;
  plan.candidate = options.candidate;
  plan.seed = options.seed;
  plan.pairs_max = options.pairs_max;
  plan.version = PENSTOCK_VERSION;
  GateProgressLine progress;
  GateRun run(
      std::move(plan), [](const GateRecord&) { return true; },
      [&](const GateProgress& now) { progress.show(now); });
  interrupt.on_first([&] { run.interrupt(); });
  const GateRecord record = run.run();
  interrupt.on_first([] {});
  progress.clear();
  fmt::print("{}\n", record.job);
  for (const GateMetric& metric : record.metrics) {
    fmt::print("{}:", metric.name);
    for (const GatePair& pair : record.pairs)
      fmt::print(" {:.4g}/{:.4g}", pair.baseline.at(metric.name), pair.candidate.at(metric.name));
    fmt::print("\n");
  }
  for (const std::string& missing : record.missing) fmt::print("missing {}\n", missing);
  return exit_done;
}

}  // namespace penstock
