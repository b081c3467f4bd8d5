#include "loadgen/gate/instructions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "loadgen/child.h"
#include "loadgen/gate/metrics.h"

namespace penstock {
namespace {

constexpr const char* valgrind_missing =
    "instructions: valgrind is not installed (Debian: apt-get install valgrind)";

// Absent: not installed.
std::optional<std::string> find_valgrind() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  std::error_code ignored;
  for (std::string folder; std::getline(folders, folder, ':');)
    if (std::filesystem::exists(folder + "/valgrind", ignored)) return folder + "/valgrind";
  return std::nullopt;
}

std::vector<std::string> stages_of(const Build& build, const std::string& folder) {
  std::vector<std::string> stages;
  if (!build.stages) return stages;
  Child child({*build.stages, "--list"}, {}, folder + "/stages.log");
  if (child.wait() != 0) return stages;
  std::istringstream lines(child.output());
  for (std::string stage; std::getline(lines, stage);) stages.push_back(stage);
  return stages;
}

// A stage of a build, being counted.
class Count {
 public:
  Count(const std::string& valgrind, const Build& build, const std::string& stage,
        const std::string& place)
      : out_(place + ".callgrind"),
        child_({valgrind, "--tool=callgrind", "--collect-atstart=no",
                "--toggle-collect=penstock_measured", "--callgrind-out-file=" + out_, *build.stages,
                stage},
               {}, place + ".log") {}

  bool wait_unless(const std::atomic<bool>& interrupted) { return child_.wait_unless(interrupted); }
  // Of one that has ended. Absent: it failed.
  std::optional<std::uint64_t> instructions() {
    if (child_.wait() != 0) return std::nullopt;
    std::ostringstream text;
    text << std::ifstream(out_).rdbuf();
    return instructions_in(text.str());
  }

 private:
  const std::string out_;
  Child child_;
};

}  // namespace

std::optional<std::uint64_t> instructions_in(std::string_view callgrind_out) {
  // "summary: N" where there are several parts, "totals: N" at the end of each.
  for (const std::string_view key : {"\nsummary: ", "\ntotals: "}) {
    const std::size_t at = callgrind_out.rfind(key);
    if (at == std::string_view::npos) continue;
    const std::string_view digits = callgrind_out.substr(at + key.size());
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error == std::errc() && count > 0) return count;
  }
  return std::nullopt;
}

void count_instructions(const Build& baseline, const Build& candidate, const GateJob& job,
                        const std::string& folder, const std::atomic<bool>& interrupted,
                        const std::function<void(const std::string&)>& show, GateRecord& record) {
  const std::optional<std::string> valgrind = find_valgrind();
  if (!valgrind) {
    record.missing.emplace_back(valgrind_missing);
    return;
  }
  const std::vector<std::string> theirs = stages_of(baseline, folder);
  const std::vector<std::string> ours = stages_of(candidate, folder);
  for (const auto& [build, stages] : {std::pair(&baseline, &theirs), std::pair(&candidate, &ours)})
    if (stages->empty())
      record.missing.push_back(
          fmt::format("instructions: {} has no bench/stages_run beside it", build->identity.path));
  if (theirs.empty() || ours.empty()) return;
  for (const std::string& stage : ours) {
    if (std::ranges::find(theirs, stage) == theirs.end()) {
      record.missing.push_back(
          fmt::format("{}{}: the baseline does not have it", metric::instructions, stage));
      continue;
    }
    show(stage);
    Count before(*valgrind, baseline, stage, folder + "/baseline");
    Count after(*valgrind, candidate, stage, folder + "/candidate");
    if (!before.wait_unless(interrupted) || !after.wait_unless(interrupted)) return;
    GateMetric metric = instruction_metric(stage, job);
    const std::optional<std::uint64_t> theirs_counted = before.instructions();
    const std::optional<std::uint64_t> ours_counted = after.instructions();
    if (!theirs_counted || !ours_counted) {
      record.missing.push_back(fmt::format("{}: stages_run {} fails in the {}", metric.name, stage,
                                           theirs_counted ? "candidate" : "baseline"));
      continue;
    }
    record.baseline_counts[metric.name] = static_cast<double>(*theirs_counted);
    record.candidate_counts[metric.name] = static_cast<double>(*ours_counted);
    record.metrics.push_back(std::move(metric));
  }
}

}  // namespace penstock
