#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/markdown_text.h"
#include "reports/measured.h"
#include "reports/writers.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

std::string mark_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "✅ pass";
    case Verdict::fail:
      return "❌ **fail**";
    case Verdict::inconclusive:
      return "❔ inconclusive";
    case Verdict::invalid:
      break;
  }
  return "⚠️ invalid";
}

std::string targets(const CapacityReport& report) {
  std::string text = "| target | verdict | |\n|---|---|---|\n";
  for (const TargetResult& result : report.targets)
    text += fmt::format("| {} | {} | {} |\n", markdown_text(result.target.name),
                        mark_of(result.verdict), markdown_text(result.sentence));
  return text + '\n';
}

std::string broken_checks(const CapacityReport& report) {
  std::string text;
  for (const Check& check : report.checks)
    if (!check.holds)
      text += fmt::format("- **{}**: {} (limit: {}): {}\n", markdown_text(check.name),
                          markdown_text(check.value), markdown_text(check.limit),
                          markdown_text(check.sentence));
  return text.empty() ? "" : "What does not hold:\n\n" + text + '\n';
}

std::string stages(const CapacityReport& report) {
  std::string text = "| stage | mean | p50 | p99 | share |\n|---|--:|--:|--:|--:|\n";
  for (const StageShare& stage : report.stages)
    text += fmt::format("| {} | {} | {} | {} | {:.0f}% |\n", markdown_text(stage.name),
                        time_text(stage.mean_s), time_text(stage.p50_s), time_text(stage.p99_s),
                        100 * stage.share);
  return text;
}

std::string resources(const CapacityReport& report) {
  std::string text =
      "| resource | used | of | | | used up at documents/s |\n|---|--:|--:|---|--:|--:|\n";
  for (const Resource& resource : report.resources)
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} |\n", markdown_text(resource.name),
        human_amount(resource.used), resource.limit > 0 ? human_amount(resource.limit) : "",
        markdown_text(resource.unit),
        resource.limit > 0 ? fmt::format("{:.1f}%", 100 * resource.utilisation) : "",
        resource.roofline ? human_rate(*resource.roofline) : "");
  return text;
}

std::string steps(const CapacityReport& report) {
  std::string text =
      "| documents/s offered | done | p50 | p99 | backlog/s | |\n|--:|--:|--:|--:|--:|---|\n";
  for (const LoadStep& step : report.steps)
    text += fmt::format("| {} | {} | {} | {} | {:+.2f} | {} |\n", human_rate(step.offered),
                        human_rate(step.finished), time_text(step.p50_s), time_text(step.p99_s),
                        step.backlog_slope, step.is_kept_up ? "" : "too much");
  return text;
}

std::string errors(const CapacityReport& report) {
  std::string text = "| documents | what |\n|--:|---|\n";
  for (const ErrorCount& error : report.errors)
    text += fmt::format("| {} | {} |\n", with_commas(error.count), markdown_text(error.what));
  return text;
}

}  // namespace

std::string markdown_report(const CapacityReport& report) {
  const RunRecord& run = report.run;
  std::string text = fmt::format("### {}: {}\n\n{}\n\n", mark_of(report.verdict),
                                 markdown_text(run.profile_name), markdown_text(report.sentence));
  text += targets(report) + broken_checks(report);
  text += fmt::format("**{}**", markdown_text(report.bound_by));
  if (report.daily && report.daily->headroom > 0)
    text += fmt::format("; headroom {} x the documents a day that are wanted",
                        human_rate(report.daily->headroom));
  text += "\n\n";
  if (!report.stages.empty()) text += markdown_details("Time of a document", stages(report));
  if (!report.resources.empty()) text += markdown_details("Resources", resources(report));
  if (report.steps.size() > 1) text += markdown_details("Load steps", steps(report));
  if (!report.errors.empty()) text += markdown_details("Errors", errors(report));
  text += fmt::format("\n{} in {} on {}. {} cores of {}, {}, penstock {} ({}).\n",
                      counted(run.arrivals.size(), "document"),
                      human_time(Seconds(in_seconds(run.ended))), markdown_text(run.system),
                      run.environment.cores, markdown_text(run.environment.machine),
                      markdown_text(run.environment.system), markdown_text(run.environment.version),
                      markdown_text(run.environment.build));
  // An indented block: nothing that the command says can end it.
  text += fmt::format("\nAgain, with seed {}:\n\n    {}\n", run.seed, printable(run.command));
  return text;
}

}  // namespace penstock
