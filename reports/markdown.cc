#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/measured.h"
#include "reports/writers.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

// As it stands: nothing of it is markup, a cell's end or a line's.
std::string plain(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
    if (c == '<')
      escaped += "&lt;";
    else if (c == '&')
      escaped += "&amp;";
    else if (std::string_view("\\`*_{}[]#|~@!").find(c) != std::string_view::npos)
      (escaped += '\\') += c;
    else
      escaped += c;
  }
  return escaped;
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

std::string details(const std::string& summary, const std::string& table) {
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n", summary, table);
}

std::string targets(const CapacityReport& report) {
  std::string text = "| target | verdict | |\n|---|---|---|\n";
  for (const TargetResult& result : report.targets)
    text += fmt::format("| {} | {} | {} |\n", plain(result.target.name), mark_of(result.verdict),
                        plain(result.sentence));
  return text + '\n';
}

std::string broken_checks(const CapacityReport& report) {
  std::string text;
  for (const Check& check : report.checks)
    if (!check.holds)
      text += fmt::format("- **{}**: {} (limit: {}): {}\n", plain(check.name), plain(check.value),
                          plain(check.limit), plain(check.sentence));
  return text.empty() ? "" : "What does not hold:\n\n" + text + '\n';
}

std::string stages(const CapacityReport& report) {
  std::string text = "| stage | mean | p50 | p99 | share |\n|---|--:|--:|--:|--:|\n";
  for (const StageShare& stage : report.stages)
    text +=
        fmt::format("| {} | {} | {} | {} | {:.0f}% |\n", plain(stage.name), time_text(stage.mean_s),
                    time_text(stage.p50_s), time_text(stage.p99_s), 100 * stage.share);
  return text;
}

std::string resources(const CapacityReport& report) {
  std::string text =
      "| resource | used | of | | | used up at documents/s |\n|---|--:|--:|---|--:|--:|\n";
  for (const Resource& resource : report.resources)
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} |\n", plain(resource.name), human_amount(resource.used),
        resource.limit > 0 ? human_amount(resource.limit) : "", plain(resource.unit),
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
    text += fmt::format("| {} | {} |\n", with_commas(error.count), plain(error.what));
  return text;
}

}  // namespace

std::string markdown_report(const CapacityReport& report) {
  const RunRecord& run = report.run;
  std::string text = fmt::format("### {}: {}\n\n{}\n\n", mark_of(report.verdict),
                                 plain(run.profile_name), plain(report.sentence));
  text += targets(report) + broken_checks(report);
  text += fmt::format("**{}**", plain(report.bound_by));
  if (report.daily && report.daily->headroom > 0)
    text += fmt::format("; headroom {} x the documents a day that are wanted",
                        human_rate(report.daily->headroom));
  text += "\n\n";
  if (!report.stages.empty()) text += details("Time of a document", stages(report));
  if (!report.resources.empty()) text += details("Resources", resources(report));
  if (report.steps.size() > 1) text += details("Load steps", steps(report));
  if (!report.errors.empty()) text += details("Errors", errors(report));
  text += fmt::format(
      "\n{} in {} on {}. {} cores of {}, {}, penstock {} ({}).\n",
      counted(run.arrivals.size(), "document"), human_time(Seconds(in_seconds(run.ended))),
      plain(run.system), run.environment.cores, plain(run.environment.machine),
      plain(run.environment.system), plain(run.environment.version), plain(run.environment.build));
  // An indented block: nothing that the command says can end it.
  text += fmt::format("\nAgain, with seed {}:\n\n    {}\n", run.seed, printable(run.command));
  return text;
}

}  // namespace penstock
