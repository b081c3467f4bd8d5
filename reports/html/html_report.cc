#include "reports/html/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "reports/format.h"
#include "reports/html/charts.h"
#include "reports/html/markup.h"
#include "reports/html/page.h"
#include "reports/html/tables.h"
#include "reports/knee.h"

namespace penstock {
namespace {

using namespace html;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t profile_bytes_max = 100'000;
constexpr std::size_t command_bytes_max = 20'000;  // whole, so that it can be copied
constexpr std::size_t findings_max = 100;

double seconds_of(Offset offset) {
  return Seconds(offset).count();
}

// Why it is no verdict, or that it is one.
std::string validity_line(const CapacityReport& report) {
  const auto holding =
      static_cast<std::size_t>(std::ranges::count(report.checks, true, &Check::holds));
  if (holding == report.checks.size() && report.is_valid)
    return fmt::format("<p class=\"valid\">Valid: all {} hold.</p>\n",
                       counted(report.checks.size(), "check"));
  std::string names;
  for (const Check& check : report.checks)
    if (!check.holds) names += fmt::format("{}{}", names.empty() ? "" : ", ", text(check.name));
  return fmt::format(
      "<p class=\"valid\"><strong>{}</strong> {} of {} hold{}. <a "
      "href=\"#validity\">Why</a></p>\n",
      report.is_valid ? "Valid, but:" : "Not valid:", holding,
      counted(report.checks.size(), "check"), names.empty() ? "" : "; not: " + names);
}

std::string facts(const CapacityReport& report) {
  const RunRecord& run = report.run;
  std::string all = fact("load", counted(run.arrivals.size(), "document"),
                         "in " + human_time(Seconds(seconds_of(run.ended))));
  if (const auto& daily = report.daily)
    all += fact("documents a day", range_of(*daily),
                (daily->headroom > 0 ? human_rate(daily->headroom) + " × what is wanted, "
                                     : std::string()) +
                    text(daily->how) + (report.is_valid ? "" : "; but the run is not valid"));
  else
    all += fact("documents a day", "not known", "the load was too short to tell");
  return "<dl class=\"facts\">\n" + all + fact("bottleneck", text(report.bound_by)) + "</dl>\n";
}

std::string banner(const CapacityReport& report) {
  const RunRecord& run = report.run;
  return fmt::format(
      "<header class=\"banner {0}\">\n<p class=\"about\">Capacity of <bdi>{1}</bdi> by the "
      "profile <strong><bdi>{2}</bdi></strong></p>\n<h1>{3}<span class=\"sentence\">{4}</span>"
      "</h1>\n{5}{6}<div class=\"again\"><p><span class=\"label\">Again, with seed "
      "{7}</span><code>{8}</code></p><p class=\"soft\">{9}</p></div>\n</header>\n",
      name_of(report.verdict), text(run.system), text(run.profile_name), badge(report.verdict),
      text(report.sentence), validity_line(report), facts(report), run.seed,
      text(run.command, command_bytes_max), environment_line(run.environment));
}

std::string configuration(const CapacityReport& report) {
  const RunRecord& run = report.run;
  std::string all = fact("seed", std::to_string(run.seed));
  all += fact("command", fmt::format("<code>{}</code>", text(run.command, command_bytes_max)));
  all += fact("system", text(run.system),
              run.destination == "engine"
                  ? "the generator's CPU is that of the thread that sends; memory and descriptors "
                    "are of both"
                  : "by " + text(run.destination));
  all += fact("may use", fmt::format("{:.3g} cores", run.system_cores),
              run.documents_in_flight_max > 0
                  ? counted(run.documents_in_flight_max, "document") + " in flight"
                  : "");
  all += fact("penstock", text(run.environment.version), text(run.environment.build));
  all += fact("machine",
              fmt::format("{} of {}", counted(run.environment.cores, "core"),
                          text(run.environment.machine)),
              human_bytes(run.environment.memory_bytes));
  all += fact("operating system", text(run.environment.system));
  all += fact("started", text(run.environment.started),
              fmt::format("{:.2f} cores were busy before", run.environment.load_before));
  all += fact("clocks", human_latency(run.clock.offset) + " apart",
              "give or take " + human_latency(run.clock.doubt));
  all += fact("content", fmt::format("{} of {} as they should be",
                                     with_commas(run.content.checked - run.content.wrong),
                                     counted(run.content.checked, "checked document")));
  std::string findings;
  for (std::size_t i = 0; i < std::min(run.findings.size(), findings_max); ++i)
    findings += fmt::format("<li><bdi>{}</bdi></li>\n", text(run.findings[i], 500));
  if (run.findings.size() > findings_max)
    findings +=
        fmt::format("<li>and {} more</li>\n", with_commas(run.findings.size() - findings_max));
  if (!findings.empty()) findings = "<h3>Findings</h3>\n<ul>\n" + findings + "</ul>\n";
  std::string_view profile = run.profile_text;
  const bool is_cut = profile.size() > profile_bytes_max;
  profile = profile.substr(0, profile_bytes_max);
  return "<dl class=\"config\">\n" + all + "</dl>\n" + findings + "<h3>Profile</h3>\n<pre>" +
         lines(profile) + "</pre>\n" +
         (is_cut ? "<p class=\"note\">The rest of the profile is left out.</p>\n" : "");
}

}  // namespace

std::string html_report(const CapacityReport& report) {
  std::string body = banner(report) + "<main>\n";
  body += section("targets", "Targets",
                  "Each is judged by counting misses, at 99% confidence. Bars: the value and its "
                  "99% interval.",
                  targets(report));
  body += section("validity", "Validity", "What must hold for the verdict to mean something.",
                  checks(report));
  body +=
      section("stages", "Where the time goes",
              "From a document's intended time until it is done. Waits are grey.", stages(report));
  body += section("timeline", "Timeline", "", timeline(report));
  body +=
      section("percentiles",
              report.run.destination == "engine" ? "Latency of documents" : "Latency of uploads",
              "From the time that the schedule intended, and from the time at which the "
              "generator could issue it: a system that stalls hides from the second. Grey: too few "
              "documents to be sure.",
              percentiles(report));
  body += section("load", "Load and latency", "", load_and_latency(report));
  body += section("size", "Time and size", "", time_and_size(report));
  body += section("resources", "Resources",
                  "In the busiest phase. The roofline: documents a second at which a resource "
                  "would be used up, were nothing else in the way.",
                  resources(report) + use_over_time(report));
  body += section("errors", "Errors", "", errors(report));
  body +=
      section("slowest", "Slowest documents",
              "Each on one scale, from intended to done. Open one for its trace.", slowest(report));
  body += section("configuration", "Configuration", "", configuration(report));
  body +=
      "</main>\n<footer>report.json has the same numbers for programs; arrivals.csv and "
      "samples.csv have every document and every moment.</footer>\n";
  return page(fmt::format("{}: {}", name_of(report.verdict), report.run.profile_name), body);
}

}  // namespace penstock
