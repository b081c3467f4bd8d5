// How many instructions a stage takes for a fixed piece of work (bench/stages_run), counted by
// callgrind: within some millionths the same again and again, whatever else the machine does.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "loadgen/gate/build.h"
#include "loadgen/gate/gate_record.h"
#include "loadgen/gate/job.h"

namespace penstock {

// In what callgrind wrote. Absent: it counted none.
std::optional<std::uint64_t> instructions_in(std::string_view callgrind_out);

// Counts each stage that both builds have, both at once. Adds to the record its metrics and counts,
// and to what is missing why something could not be counted. `show` is told each stage. Ends early,
// with what there is, when `interrupted` becomes true. Blocks, on the thread that ends last.
void count_instructions(const Build& baseline, const Build& candidate, const GateJob& job,
                        const std::string& folder, const std::atomic<bool>& interrupted,
                        const std::function<void(const std::string&)>& show, GateRecord& record);

}  // namespace penstock
