#include "loadgen/gate/backfill_run.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/process_usage.h"
#include "engine/http/json.h"
#include "loadgen/child.h"
#include "loadgen/emulate/openai_emulator.h"
#include "loadgen/gate/metrics.h"
#include "loadgen/json_fields.h"
#include "loadgen/provider_client.h"
#include "loadgen/provider_use.h"

namespace penstock {
namespace {

std::unique_ptr<OpenAiEmulator> start_provider(const ProviderPlan& plan, std::uint64_t seed) {
  OpenAiEmulatorOptions options;
  options.listen = "127.0.0.1:0";
  options.seed = seed;
  options.fault_fraction = plan.faults;
  const Result<LatencyRange> latency = parse_latency(plan.latency);
  if (!latency) throw FatalError("[provider] latency: " + latency.error().message);
  options.latency = *latency;
  for (std::uint32_t key = 1; key <= plan.keys; ++key)
    options.keys.push_back(
        {provider_key_name(key), {plan.requests_per_minute, plan.tokens_per_minute}});
  return std::make_unique<OpenAiEmulator>(std::move(options));
}

// The object that a run prints last. Absent: it printed none.
std::optional<Json> summary_in(const std::string& output) {
  std::istringstream lines(output);
  std::optional<Json> summary;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"summary\"") == std::string::npos) continue;
    Json event = Json::parse(line, nullptr, false);
    if (text_in(event, "event") == "summary") summary = std::move(event);
  }
  return summary;
}

// What an older build does not say is left out.
Values values_of(const Json& summary) {
  Values values;
  const std::optional<double> pages = real_in(summary, "pages");
  const auto add = [&](std::string_view name, const char* key, std::optional<double> per) {
    const std::optional<double> value = real_in(summary, key);
    if (value && per && *per > 0) values[std::string(name)] = *value / *per;
  };
  add(metric::documents, "seen", real_in(summary, "seconds"));
  add(metric::cpu_engine, "cpu_engine_s", pages);
  add(metric::cpu_extraction, "cpu_extraction_s", pages);
  return values;
}

}  // namespace

std::optional<BackfillRun> run_backfill(const Build& build, const GateJob& job,
                                        const std::string& corpus, const std::string& folder,
                                        const std::atomic<bool>& interrupted) {
  BackfillRun run;
  run.store = folder + "/penstock.db";
  std::vector<std::string> command = {build.program, "backfill", corpus,
                                      "--store",     run.store,  "--json"};
  std::vector<std::string> environment;
  std::unique_ptr<OpenAiEmulator> provider;
  if (job.provider) {
    provider = start_provider(*job.provider, job.seed);
    const ProviderClient client = client_of(*job.provider, provider->url());
    command.insert(command.end(), client.arguments.begin(), client.arguments.end());
    environment = client.environment;
  }
  Child child(command, environment, folder + "/backfill.log");
  std::uint64_t memory = 0;
  const bool has_ended = child.wait_unless(
      interrupted, [&] { memory = std::max(memory, tree_usage(child.pid()).memory_bytes); });
  if (!has_ended) return std::nullopt;
  const int code = child.wait();
  const std::string output = child.output();
  const std::optional<Json> summary = summary_in(output);
  constexpr int some_failed = 3;  // as documents that are made to fail do
  if ((code != 0 && code != some_failed) || !summary)
    throw FatalError(build.program + " backfill ended with " + std::to_string(code) + ": " +
                     output.substr(output.size() - std::min<std::size_t>(output.size(), 1'000)));
  run.values = values_of(*summary);
  run.values[std::string(metric::memory)] = static_cast<double>(memory);
  if (provider) {
    std::vector<std::pair<std::string, Usage>> keys{{"all", provider->stop()}};
    if (const std::optional<double> used = keys.front().second.utilisation())
      run.values[std::string(metric::quota)] = *used;
  }
  return run;
}

}  // namespace penstock
