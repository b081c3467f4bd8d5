// What a gate measures, few: each has to be worth a release that does not go out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/gate/gate_record.h"
#include "loadgen/gate/job.h"

namespace penstock {

namespace metric {
inline constexpr std::string_view documents = "documents_per_second";
inline constexpr std::string_view cpu_engine = "cpu_engine_per_page";
inline constexpr std::string_view cpu_extraction = "cpu_extraction_per_page";
inline constexpr std::string_view memory = "memory_peak";
inline constexpr std::string_view quota = "quota_utilisation";
inline constexpr std::string_view p95 = "p95_";  // and the name of a step of a document's way
inline constexpr std::string_view instructions = "instructions_";  // and the name of a stage
inline constexpr std::string_view control_core = "control_one_core";
inline constexpr std::string_view control_cores = "control_all_cores";
inline constexpr std::string_view control_disk = "control_disk";
}  // namespace metric

// All that a run of this job may give, with the job's floors.
std::vector<GateMetric> run_metrics(const GateJob& job);
// Of a stage that stages_run counts.
GateMetric instruction_metric(std::string_view stage, const GateJob& job);

bool is_gate_metric(std::string_view name);

}  // namespace penstock
