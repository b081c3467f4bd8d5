#include <fmt/format.h>

#include "reports/format.h"
#include "reports/gate/html_sections.h"
#include "reports/gate/sentences.h"
#include "reports/gate/writers.h"
#include "reports/html/markup.h"
#include "reports/html/page.h"

extern "C" const char penstock_gate_css[];
extern "C" const char penstock_gate_css_end[];

namespace penstock {
namespace html {

std::string content(const GateReport& report) {
  if (report.content.empty()) return nothing("Content was not compared.");
  std::string rows;
  for (const ContentResult& result : report.content) {
    const bool is_worse = result.outcome == GateOutcome::regression;
    const std::string_view word = word_of(result);
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td>{}</td><td class=\"says\">{}</td></tr>\n",
        text(result.name),
        badge(is_worse             ? "fail"
              : word == "the same" ? "same"
                                   : "inconclusive",
              is_worse             ? "✗"
              : word == "the same" ? "✓"
                                   : "≠",
              word),
        result.baseline, result.candidate, text(result.limit), text(result.sentence));
  }
  std::string differences;
  for (const auto& difference : report.record.content.differences)
    differences += fmt::format("<tr><td><bdi>{}</bdi></td><td><bdi>{}</bdi></td></tr>\n",
                               text(difference.document), text(difference.what));
  if (!differences.empty())
    differences = fmt::format(
        "<h3>Documents that differ: {}, the worst first</h3>\n<div class=\"scroll\"><table "
        "class=\"steps\">\n<tbody>\n{}</tbody></table></div>\n",
        with_commas(report.record.content.documents_different), differences);
  return "<div class=\"scroll\"><table class=\"steps\">\n<thead><tr><th>what</th><th></th><th "
         "class=\"n\">baseline</th><th class=\"n\">candidate</th><th>may differ</th><th></th></tr>"
         "</thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n" + differences;
}

std::string missing(const GateReport& report) {
  if (report.record.missing.empty()) return nothing("Nothing is missing.");
  std::string items;
  for (const std::string& reason : report.record.missing)
    items += fmt::format("<li><bdi>{}</bdi></li>\n", text(reason));
  return "<ul class=\"said\">\n" + items + "</ul>\n";
}

}  // namespace html

namespace {

using namespace html;

constexpr std::size_t command_bytes_max = 20'000;  // whole, so that it can be copied

std::string mark_of(GateVerdict verdict) {
  constexpr const char* marks[] = {"✓", "✗", "?", "!"};
  return marks[static_cast<std::size_t>(verdict)];
}

std::string facts(const GateReport& report) {
  const GateRecord& record = report.record;
  return "<dl class=\"facts\">\n" +
         fact("pairs of runs",
              fmt::format("{} of at most {}", record.pairs.size(), record.pairs_max),
              "in " + human_time(record.took)) +
         fact("candidate", text(build_text(record.candidate)),
              (report.is_same_build ? "the same build as " : "against ") +
                  text(build_text(record.baseline))) +
         fact("job", record.job.empty() ? "not said" : text(record.job)) + "</dl>\n";
}

std::string banner(const GateReport& report) {
  const GateRecord& record = report.record;
  std::string lines;
  if (report.regressions.size() > 1)
    for (const std::string& line : report.regressions)
      lines += fmt::format("<li>{}</li>\n", text(line));
  if (!lines.empty()) lines = "<ul class=\"regressions\">\n" + lines + "</ul>\n";
  return fmt::format(
      "<header class=\"banner {0}\">\n<p class=\"about\">Gate of <strong><bdi>{1}</bdi></strong> "
      "against <bdi>{2}</bdi></p>\n<h1>{3}<span class=\"sentence\">{4}</span></h1>\n{5}{6}<div "
      "class=\"again\"><p><span class=\"label\">Again, with seed {7}</span><code>{8}</code></p><p "
      "class=\"soft\">{9}</p></div>\n</header>\n",
      tone_of(report.verdict), text(build_text(record.candidate)),
      text(build_text(record.baseline)),
      badge(tone_of(report.verdict), mark_of(report.verdict), name_of(report.verdict)),
      text(report.sentence), lines, facts(report), record.seed,
      text(record.command, command_bytes_max), environment_line(record.environment));
}

std::string build(const GateBuild& build) {
  return fmt::format("<code>{}</code>", build.digest.empty() ? "no digest" : text(build.digest));
}

std::string configuration(const GateReport& report) {
  const GateRecord& record = report.record;
  const Environment& machine = record.environment;
  return "<dl class=\"config\">\n" + fact("seed", std::to_string(record.seed)) +
         fact("command", fmt::format("<code>{}</code>", text(record.command, command_bytes_max))) +
         fact("baseline", text(record.baseline.path), build(record.baseline)) +
         fact("candidate", text(record.candidate.path), build(record.candidate)) +
         fact("machine",
              fmt::format("{} of {}", counted(machine.cores, "core"), text(machine.machine)),
              human_bytes(machine.memory_bytes)) +
         fact("operating system", text(machine.system)) +
         fact("started", text(machine.started),
              fmt::format("{:.2f} cores were busy before", machine.load_before)) +
         fact("content", record.accepts_content ? "may have changed" : "must be the same") +
         "</dl>\n";
}

}  // namespace

std::string html_report(const GateReport& report) {
  const std::string_view style(penstock_gate_css,
                               static_cast<std::size_t>(penstock_gate_css_end - penstock_gate_css));
  std::string body = banner(report) + "<main>\n";
  body +=
      section("figures", "Figures",
              "Medians of all pairs, and the change with its 99% interval, each on the scale of "
              "its own limit. A regression is worse by more than the limit, and so surely that "
              "of 100 gates of the same build at most one would say so of anything.",
              figures(report));
  body += section("content", "Content", "What the two builds made of the same documents.",
                  content(report));
  body += section("controls", "Controls",
                  "No change to the program moves them. If one does, the machine was not the same "
                  "for both builds, and nothing that was timed is proven.",
                  controls(report));
  body +=
      section("pairs", "Pairs in order of time",
              "The change from the baseline's run to the candidate's. Which ran first was drawn "
              "for each pair.",
              pairs(report));
  body += section("missing", "Not measured", "", missing(report));
  body +=
      section("history", "History",
              "Gates of this job on this machine. It warns of what moved for good in steps that "
              "no gate by itself would stop, and decides nothing.",
              history(report));
  body += section("configuration", "Configuration", "", configuration(report));
  body +=
      "</main>\n<footer>gate.json has the same numbers for programs, and every pair.</footer>\n";
  return page(
      fmt::format("{}: gate of {}", name_of(report.verdict), build_text(report.record.candidate)),
      body, style);
}

}  // namespace penstock
