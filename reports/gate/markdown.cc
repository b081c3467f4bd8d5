#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/gate/sentences.h"
#include "reports/gate/writers.h"
#include "reports/markdown_text.h"

namespace penstock {
namespace {

std::string mark_of(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::pass:
      return "✅ pass";
    case GateVerdict::regression:
      return "❌ **regression**";
    case GateVerdict::inconclusive:
      return "❔ inconclusive";
    case GateVerdict::invalid:
      break;
  }
  return "⚠️ invalid";
}

std::string mark_of(GateOutcome outcome, std::string_view word) {
  constexpr const char* marks[] = {"❌", "🟢", "✅", "❔", "⚠️"};
  return fmt::format("{} {}", marks[static_cast<std::size_t>(outcome)], word);
}

std::string figures(const GateReport& report) {
  std::string text =
      "| figure | | baseline | candidate | change | 99% interval | limit |\n"
      "|---|---|--:|--:|--:|--:|--:|\n";
  for (const MetricResult& result : report.metrics) {
    const auto value = [&](const std::optional<double>& amount) {
      return amount ? markdown_text(value_text(result.metric, *amount)) : "";
    };
    text += fmt::format(
        "| {}{} | {} | {} | {} | {} | {} | {:.3g}% |\n", markdown_text(label_of(result.metric)),
        result.metric.is_control ? " (control)" : "", mark_of(result.outcome, word_of(result)),
        value(result.baseline), value(result.candidate),
        result.change ? percent_text(*result.change) : "not measured",
        result.low && result.high
            ? fmt::format("{} to {}", percent_text(*result.low), percent_text(*result.high))
            : "",
        100 * result.metric.floor);
  }
  return text + '\n';
}

std::string content(const GateReport& report) {
  if (report.content.empty()) return "Content was not compared.\n";
  std::string text = "| content | | baseline | candidate | limit | |\n|---|---|--:|--:|---|---|\n";
  for (const ContentResult& result : report.content)
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", result.name,
                        mark_of(result.outcome, word_of(result)), result.baseline, result.candidate,
                        result.limit, markdown_text(result.sentence));
  for (const auto& difference : report.record.content.differences)
    text += fmt::format("{}- {}: {}\n",
                        &difference == &report.record.content.differences.front() ? "\n" : "",
                        markdown_text(difference.document), markdown_text(difference.what));
  return text;
}

std::string warnings(const GateReport& report) {
  std::string text;
  for (const ChangePoint& change : report.history.changes)
    text += fmt::format("- ⚠️ {}\n", markdown_text(change.sentence));
  for (const std::string& reason : report.record.missing)
    text += fmt::format("- not measured: {}\n", markdown_text(reason));
  return text.empty() ? "" : text + '\n';
}

}  // namespace

std::string markdown_report(const GateReport& report) {
  const GateRecord& record = report.record;
  std::string text = fmt::format("### {}: gate\n\n{}\n\n", mark_of(report.verdict),
                                 markdown_text(report.sentence));
  if (report.regressions.size() > 1) {
    for (const std::string& line : report.regressions)
      text += fmt::format("- {}\n", markdown_text(line));
    text += '\n';
  }
  if (!report.metrics.empty()) text += figures(report);
  text += warnings(report);
  const bool is_content_worse = std::ranges::any_of(
      report.content,
      [](const ContentResult& result) { return result.outcome == GateOutcome::regression; });
  text += is_content_worse ? content(report) : markdown_details("Content", content(report));
  const std::string alarms = false_alarm_text(report.history);
  text += fmt::format("\n{} · {}{} · {} cores of {}, {}\n", markdown_text(about_text(report)),
                      markdown_text(record.job), alarms.empty() ? "" : " · " + alarms,
                      record.environment.cores, markdown_text(record.environment.machine),
                      markdown_text(record.environment.system));
  // An indented block: nothing that the command says can end it.
  text += fmt::format("\nAgain, with seed {}:\n\n    {}\n", record.seed, printable(record.command));
  return text;
}

}  // namespace penstock
