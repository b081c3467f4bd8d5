#include "loadgen/gate/metrics.h"

#include <algorithm>

namespace penstock {
namespace {

GateMetric control(std::string_view name) {
  GateMetric made;
  made.name = name;
  made.unit = "s";
  made.is_control = true;
  return made;
}

void set_floor(GateMetric& metric, const GateJob& job) {
  if (const auto floor = job.floors.find(metric.name); floor != job.floors.end())
    metric.floor = floor->second;
}

// With the floors of their own. A run's rate, its memory and a document's latency hang on what else
// the machine does, its CPU time less so.
std::vector<GateMetric> all_run_metrics() {
  const auto latency = [](std::string_view step, std::string stage) {
    GateMetric made;
    made.name = std::string(metric::p95) + std::string(step);
    made.unit = "s";
    made.stage = std::move(stage);
    made.floor = 0.1;
    made.may_stay_open = true;
    return made;
  };
  return {{std::string(metric::documents), "documents/s", {}, true, 0.05},
          {std::string(metric::cpu_engine), "s", {}, false, 0.03},
          {std::string(metric::cpu_extraction), "s", "extract", false, 0.03},
          {std::string(metric::memory), "bytes", {}, false, 0.05},
          latency("extract", "extract"),
          latency("embed", "embed"),
          latency("store", "store"),
          {std::string(metric::quota), {}, "throttle", true, 0.02},
          control(metric::control_core),
          control(metric::control_cores),
          control(metric::control_disk)};
}

}  // namespace

std::vector<GateMetric> run_metrics(const GateJob& job) {
  std::vector<GateMetric> metrics = all_run_metrics();
  if (!job.provider)
    std::erase_if(metrics, [](const GateMetric& m) { return m.name == metric::quota; });
  for (GateMetric& each : metrics) set_floor(each, job);
  return metrics;
}

GateMetric instruction_metric(std::string_view stage, const GateJob& job) {
  GateMetric made;
  made.name = std::string(metric::instructions) + std::string(stage);
  made.unit = "instructions";
  made.stage = stage;
  made.floor = 0.01;
  made.is_exact = true;
  set_floor(made, job);
  return made;
}

bool is_gate_metric(std::string_view name) {
  const std::vector<GateMetric> metrics = all_run_metrics();
  return name.starts_with(metric::instructions) ||  // of whatever stages the builds have
         std::ranges::find(metrics, name, &GateMetric::name) != metrics.end();
}

}  // namespace penstock
