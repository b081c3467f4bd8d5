#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "cli/capacity_backends.h"
#include "cli/capacity_progress.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/report_files.h"
#include "loadgen/capacity_run.h"
#include "loadgen/corpus.h"
#include "loadgen/feasibility.h"
#include "loadgen/schedule.h"
#include "reports/html/html_report.h"
#include "reports/writers.h"

namespace penstock {
namespace {

CapacityPlan plan_of(const CapacityOptions& options, Profile profile, Schedule schedule,
                     std::shared_ptr<const Corpus> corpus) {
  CapacityPlan plan;
  plan.schedule = std::move(schedule);
  plan.content_of = [corpus = std::move(corpus)](std::uint64_t number, std::uint32_t kind) {
    return corpus->content(number, kind);
  };
  plan.program = std::filesystem::read_symlink("/proc/self/exe").string();
  plan.version = PENSTOCK_VERSION;
  plan.command =
      fmt::format("penstock capacity {} --seed {}", shell_word(options.profile), profile.seed);
  // Only a service that is there has one to ask for.
  const char* const key = std::getenv("PENSTOCK_API_KEY");
  if (key != nullptr && !profile.system.url.empty()) plan.api_key = Secret(key);
  plan.keep = options.keep;
  plan.backends = capacity_backends();
  plan.profile = std::move(profile);
  return plan;
}

void write_reports(const CapacityReport& report, const std::string& folder) {
  write_report(folder, "report.json", json_report(report));
  write_report(folder, "report.html", html_report(report));
  write_report(folder, "report.xml", junit_report(report));
  write_report(folder, "report.md", markdown_report(report));
  write_report(folder, "arrivals.csv", [&](std::ostream& out) { write_arrivals(report.run, out); });
  write_report(folder, "samples.csv", [&](std::ostream& out) { write_samples(report.run, out); });
}

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return exit_done;
    case Verdict::fail:
      return exit_target_missed;
    case Verdict::invalid:
      return exit_invalid;
    case Verdict::inconclusive:
      break;
  }
  return exit_inconclusive;
}

}  // namespace

int run_capacity(const CapacityOptions& options) {
  Interrupt interrupt;
  Profile profile = read_profile(options.profile);
  if (options.seed) profile.seed = *options.seed;
  const std::vector<Target> targets = profile.targets;
  const auto corpus = std::make_shared<const Corpus>(profile.kinds, profile.seed);
  Schedule schedule = schedule_of(profile);
  const std::vector<std::string> reasons = impossible(profile, schedule, *corpus);
  for (const std::string& reason : reasons)
    fmt::print(stderr, "penstock: {}: {}\n", options.profile, reason);
  if (!reasons.empty()) return exit_usage;
  for (const std::string& sentence : too_few_documents(profile, schedule))
    fmt::print(stderr, "penstock: {}: {}: it will be inconclusive at best\n", options.profile,
               sentence);

  if (!options.report.empty()) make_report_folder(options.report);
  CapacityProgress progress;
  CapacityRun run(plan_of(options, std::move(profile), std::move(schedule), corpus),
                  [&](const RunProgress& now) { progress.show(now); });
  interrupt.on_first([&] { run.interrupt(); });
  RunRecord record = run.run();
  interrupt.on_first([] {});
  progress.clear();

  const CapacityReport report = conclude(std::move(record), targets);
  const std::string text =
      options.json ? json_report(report) : terminal_report(report, isatty(STDOUT_FILENO) == 1);
  // Before what may fail.
  fmt::print("{}", text);
  std::fflush(stdout);
  if (!options.report.empty()) write_reports(report, options.report);
  return exit_code_of(report.verdict);
}

}  // namespace penstock
