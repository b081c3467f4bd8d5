#include "loadgen/gate/micro.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "engine/core/error.h"
#include "engine/http/json.h"
#include "loadgen/child.h"
#include "loadgen/gate/build.h"
#include "loadgen/gate/control.h"
#include "loadgen/gate/metrics.h"
#include "loadgen/gate/pairs.h"
#include "loadgen/json_fields.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw FatalError(path + ": cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

double seconds_in(std::string_view unit) {
  if (unit == "s") return 1;
  if (unit == "ms") return 1e-3;
  return unit == "us" ? 1e-6 : 1e-9;
}

bool is_file_of_times(const std::string& path) {
  return path.ends_with(".json");
}

// One run of all of a program's benchmarks.
std::optional<Values> run_program(const std::string& program, const std::string& folder,
                                  const std::atomic<bool>& interrupted) {
  const std::string out = folder + "/benchmark.json";
  // Short, and again and again, sees more of the machine's moods than once and long.
  Child child({program, "--benchmark_min_time=0.05", "--benchmark_out_format=json",
               "--benchmark_out=" + out},
              {}, folder + "/benchmark.log");
  if (!child.wait_unless(interrupted)) return std::nullopt;
  if (child.wait() != 0) throw FatalError(program + ": " + child.output());
  std::vector<Values> times = benchmark_times(text_of(out), program);
  if (times.empty()) throw FatalError(program + ": has no benchmark");
  return std::move(times.front());
}

std::set<std::string> benchmarks_of(const std::string& program, const std::string& folder) {
  Child child({fs::absolute(program).string(), "--benchmark_list_tests=true"}, {},
              folder + "/list.log");
  if (child.wait() != 0)
    throw FatalError(program + ": is no program of Google Benchmark, and no .json of one");
  std::set<std::string> names;
  std::istringstream lines(child.output());
  for (std::string name; std::getline(lines, name);) names.insert(name);
  return names;
}

void add_metrics(const std::set<std::string>& names, GateRecord& record) {
  for (const std::string& name : names) {
    GateMetric metric;
    metric.name = name;
    metric.unit = "s";
    metric.floor = 0.05;
    record.metrics.push_back(std::move(metric));
  }
}

// Of two files there are as many pairs as both have repetitions.
void pair_files(const GatePlan& plan, GateRecord& record) {
  std::vector<Values> theirs = benchmark_times(text_of(plan.baseline), plan.baseline);
  std::vector<Values> ours = benchmark_times(text_of(plan.candidate), plan.candidate);
  const std::size_t pairs = std::min(theirs.size(), ours.size());
  for (std::size_t i = 0; i < pairs; ++i)
    record.pairs.push_back({false, std::move(theirs[i]), std::move(ours[i])});
  record.pairs_max = static_cast<std::uint32_t>(pairs);
  std::set<std::string> names;
  for (const GatePair& pair : record.pairs)
    for (const Values* values : {&pair.baseline, &pair.candidate})
      for (const auto& [name, _] : *values) names.insert(name);
  add_metrics(names, record);
  drop_missing(record);
  record.missing.emplace_back(
      "controls: files do not tell what the machine did while they were written");
}

}  // namespace

std::vector<Values> benchmark_times(const std::string& json, const std::string& name) {
  const Json file = Json::parse(json, nullptr, false);
  const auto runs = file.find("benchmarks");
  if (runs == file.end() || !runs->is_array())
    throw FatalError(name + ": is no JSON of Google Benchmark");
  std::vector<Values> repetitions;
  std::map<std::string, std::size_t> seen;
  for (const Json& run : *runs) {
    const std::string kind = text_in(run, "run_type");  // older ones do not say it
    const std::string benchmark =
        text_in(run, "run_name").empty() ? text_in(run, "name") : text_in(run, "run_name");
    const bool is_real = benchmark.find("/real_time") != std::string::npos;
    const double time = real_in(run, is_real ? "real_time" : "cpu_time").value_or(0);
    const auto failed = run.find("error_occurred");
    if (benchmark.empty() || time <= 0 || (!kind.empty() && kind != "iteration") ||
        (failed != run.end() && *failed == true))
      continue;
    const std::size_t repetition = seen[benchmark]++;
    if (repetition == repetitions.size()) repetitions.emplace_back();
    repetitions[repetition][benchmark] = time * seconds_in(text_in(run, "time_unit"));
  }
  return repetitions;
}

void run_benchmarks(const GatePlan& plan, const std::string& folder,
                    const std::function<bool(const GateRecord&)>& decided,
                    const std::atomic<bool>& interrupted, const std::function<void()>& show,
                    GateRecord& record) {
  record.baseline = {plan.baseline, {}, digest_of_file(plan.baseline)};
  record.candidate = {plan.candidate, {}, digest_of_file(plan.candidate)};
  record.job = "microbenchmarks";
  if (is_file_of_times(plan.baseline) && is_file_of_times(plan.candidate)) {
    pair_files(plan, record);
  } else {
    PairPlan pairs;
    pairs.seed = plan.seed;
    pairs.decided = decided;
    pairs.show = show;
    pairs.run = [&](bool of_candidate) -> std::optional<Values> {
      Values values = time_controls(folder);
      const std::string given = of_candidate ? plan.candidate : plan.baseline;
      auto times = run_program(fs::absolute(given).string(), folder, interrupted);
      if (!times) return std::nullopt;
      values.merge(*times);
      return values;
    };
    for (const GateMetric& metric : run_metrics(plan.job))
      if (metric.is_control) record.metrics.push_back(metric);
    std::set<std::string> names = benchmarks_of(plan.baseline, folder);
    names.merge(benchmarks_of(plan.candidate, folder));
    add_metrics(names, record);
    run_pairs(pairs, record);
  }
}

}  // namespace penstock
