#include "reports/html/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/attribution.h"
#include "reports/format.h"
#include "reports/html/markup.h"

namespace penstock::html {
namespace {

using Seconds = std::chrono::duration<double>;

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

std::string amount_of(const Target& target, double value) {
  if (!std::isfinite(value)) return "never";
  if (is_time(target.measure)) return time_text(value);
  if (target.measure == Measure::memory)
    return human_bytes(static_cast<std::uint64_t>(std::max(0.0, value)));
  return with_commas(static_cast<std::uint64_t>(std::llround(value)));
}

std::string wanted(const Target& target) {
  const std::string limit = fmt::format("{:.6g}", target.limit);
  switch (target.measure) {
    case Measure::upload:
    case Measure::start:
    case Measure::done:
      return fmt::format("{:.6g}% of {} within {} s", 100 * target.fraction,
                         target.kind.empty() ? "documents" : target.kind + " documents", limit);
    case Measure::documents_per_day:
      return fmt::format("at least {} documents a day", amount_of(target, target.limit));
    case Measure::memory:
      return fmt::format("at most {}", amount_of(target, target.limit));
    case Measure::descriptors:
      return fmt::format("at most {} open files", amount_of(target, target.limit));
    case Measure::concurrent:
      break;
  }
  return fmt::format("at least {} uploads at once", amount_of(target, target.limit));
}

// How good a value is, the same for every target: from a hundred times better than the limit (0) to
// ten times worse (1), each tenfold as wide.
constexpr double decades = 3;
constexpr double limit_place = 2 / decades;

bool is_more_better(const Target& target) {
  return target.measure == Measure::documents_per_day || target.measure == Measure::concurrent;
}

double place_of(const Target& target, double value) {
  if (!std::isfinite(value)) return 1;
  if (value <= 0) return is_more_better(target) ? 1 : 0;
  const double ratio = is_more_better(target) ? target.limit / value : value / target.limit;
  return std::clamp(limit_place + std::log10(ratio) / decades, 0.0, 1.0);
}

std::string against_limit(const TargetResult& result) {
  if (!result.value) return "<span class=\"soft\">not known</span>";
  const Target& target = result.target;
  const double value = place_of(target, *result.value);
  // An end that is not known may be anywhere.
  const bool more_is_better = is_more_better(target);
  double good = more_is_better ? (result.value_high ? place_of(target, *result.value_high) : 0)
                               : (result.value_low ? place_of(target, *result.value_low) : 0);
  double bad = more_is_better ? (result.value_low ? place_of(target, *result.value_low) : 1)
                              : (result.value_high ? place_of(target, *result.value_high) : 1);
  // What was counted has no interval.
  if (!result.value_low && !result.value_high && !is_time(target.measure)) good = bad = value;
  good = std::min(good, value);
  bad = std::max(bad, value);
  std::string interval;
  if (result.value_low && !result.value_high)
    interval = fmt::format(" <span class=\"soft\">{} or more</span>",
                           amount_of(target, *result.value_low));
  else if (result.value_low && result.value_low != result.value_high)
    interval =
        fmt::format(" <span class=\"soft\">{} to {}</span>", amount_of(target, *result.value_low),
                    amount_of(target, *result.value_high));
  return fmt::format(
      "<div class=\"gauge {}\"><i class=\"range\" style=\"left:{};width:{}\"></i><i "
      "class=\"value\" "
      "style=\"--at:{}\"></i></div><span class=\"n\">{}</span>{}",
      name_of(result.verdict), percent(good), percent(bad - good), percent(value),
      amount_of(target, *result.value), interval);
}

std::string budget(const TargetResult& result) {
  if (!is_time(result.target.measure)) return "<span class=\"soft\">counts no misses</span>";
  const std::uint64_t misses = result.misses, allowed = result.misses_allowed;
  const double part =
      static_cast<double>(misses) / static_cast<double>(std::max<std::uint64_t>(1, allowed));
  return fmt::format(
      "<div class=\"meter {}\">{}</div><span class=\"n\">{} of {}</span> "
      "<span class=\"soft\">in {}</span>",
      name_of(result.verdict),
      misses == 0 ? "" : fmt::format("<i style=\"width:{}\"></i>", percent(part)),
      with_commas(misses), with_commas(allowed), counted(result.documents, "document"));
}

std::string mark(bool holds) {
  return holds ? "<span class=\"mark good\" aria-hidden=\"true\">✓</span>"
               : "<span class=\"mark bad\" aria-hidden=\"true\">✗</span>";
}

std::string check_row(const Check& check) {
  return fmt::format(
      "<li class=\"{}\">{}<span class=\"what\">{}<span class=\"unseen\">: {}</span></span>"
      "<span class=\"seen\">{} <span class=\"soft\">limit: {}</span></span>{}</li>\n",
      check.holds ? "holds" : "broken", mark(check.holds), text(check.name),
      check.holds ? "holds"
                  : (check.is_failure ? "does not hold, which fails the run"
                                      : "does not hold, which makes the run invalid"),
      text(check.value), text(check.limit),
      check.holds ? "" : fmt::format("<p>{}</p>", text(check.sentence)));
}

std::string sum_of_documents(const Conservation& sums) {
  std::string parts;
  const auto add = [&](const char* sign, std::uint64_t count, const char* what) {
    parts += fmt::format("<span><b>{}</b>{} {}</span> ", sign, with_commas(count), what);
  };
  add("", sums.accepted, "accepted");
  add("= ", sums.done, "done");
  add("+ ", sums.failed, "failed");
  add("+ ", sums.in_flight, "in flight");
  add("+ ", sums.lost, "lost");
  std::string rest =
      fmt::format("Of {}, {} were refused, {} broke off and {} were never sent. {} stored twice.",
                  counted(sums.intended, "document"), with_commas(sums.refused),
                  with_commas(sums.broken), with_commas(sums.dropped), with_commas(sums.twice));
  return fmt::format("<p class=\"sum\">{}{}</p>\n<p class=\"note\">{}</p>\n", mark(sums.holds),
                     parts, rest);
}

// 0 to 6 have a colour each, waits are grey; 7 is what has no name here.
std::size_t look_of(std::string_view stage) {
  return static_cast<std::size_t>(std::ranges::find(stage_names, stage) - stage_names.begin());
}

std::string trace_bar(const StageTimes& times, double longest) {
  std::string bar;
  for (std::size_t i = 0; i < times.size(); ++i)
    if (times[i] > 0)
      bar += fmt::format("<i class=\"s{}\" style=\"width:{}\" title=\"{}: {}\"></i>", i,
                         percent(times[i] / longest), stage_names[i], time_text(times[i]));
  return "<span class=\"trace\">" + bar + "</span>";
}

std::string trace_rows(const StageTimes& times) {
  double whole = 0, before = 0;
  for (const double time : times) whole += time;
  std::string rows;
  for (std::size_t i = 0; i < times.size(); ++i) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"flow\"><span class=\"bar\"><i class=\"s{}\" "
        "style=\"left:{};width:{}\"></i></span></td><td class=\"n\">{}</td></tr>\n",
        stage_names[i], i, percent(whole > 0 ? before / whole : 0),
        percent(whole > 0 ? times[i] / whole : 0), time_text(times[i]));
    before += times[i];
  }
  return "<table class=\"steps\"><tbody>\n" + rows + "</tbody></table>\n";
}

std::string stage_legend() {
  std::string keys;
  for (std::size_t i = 0; i < stage_names.size(); ++i)
    keys += fmt::format("<li><i class=\"s{}\"></i>{}</li>", i, stage_names[i]);
  return "<ul class=\"legend\">" + keys + "</ul>\n";
}

}  // namespace

std::string badge(Verdict verdict) {
  constexpr const char* marks[] = {"✓", "✗", "?", "!"};
  return badge(name_of(verdict), marks[static_cast<std::size_t>(verdict)], name_of(verdict));
}

std::string targets(const CapacityReport& report) {
  if (report.targets.empty()) return nothing("The profile sets no targets.");
  std::string rows;
  for (const TargetResult& result : report.targets)
    rows += fmt::format(
        "<tr><td class=\"target\"><strong>{}</strong> <span class=\"soft\">{}</span><p>{}</p></td>"
        "<td>{}</td><td class=\"against\" data-label=\"against the limit\">{}</td><td "
        "class=\"budget\" data-label=\"misses of those allowed\">{}</td></tr>\n",
        text(result.target.name), text(wanted(result.target)), text(result.sentence),
        badge(result.verdict), against_limit(result), budget(result));
  return "<table class=\"targets\">\n<thead><tr><th>target</th><th>verdict</th><th>against the "
         "limit<span class=\"gauge-scale\"><span>100×</span><span>10× better</span>"
         "<span>limit</span><span>10× worse</span></span></th><th>misses of those "
         "allowed</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string checks(const CapacityReport& report) {
  std::string broken, holding;
  for (const Check& check : report.checks) (check.holds ? holding : broken) += check_row(check);
  return sum_of_documents(report.conservation) + "<ul class=\"checks\">\n" + broken + holding +
         "</ul>\n";
}

std::string stages(const CapacityReport& report) {
  if (report.stages.empty())
    return nothing("No document of a judged phase was done, so there is no way to follow.");
  double whole = 0, longest = 0, before = 0;
  for (const StageShare& stage : report.stages) {
    whole += stage.mean_s;
    longest = std::max(longest, stage.p99_s);
  }
  std::string rows;
  for (const StageShare& stage : report.stages) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{0}</th><td class=\"flow\"><span class=\"bar\"><i class=\"s{1}\" "
        "style=\"left:{2};width:{3}\"></i></span></td><td class=\"n\">{4:.0f}%</td><td "
        "class=\"n\">{5}</td><td class=\"n\">{6}</td><td class=\"n tail\"><span "
        "class=\"bar\"><i class=\"s{1}\" style=\"width:{7}\"></i></span>{8}</td></tr>\n",
        text(stage.name), look_of(stage.name), percent(whole > 0 ? before / whole : 0),
        percent(whole > 0 ? stage.mean_s / whole : 0), 100 * stage.share, time_text(stage.mean_s),
        time_text(stage.p50_s), percent(longest > 0 ? stage.p99_s / longest : 0),
        time_text(stage.p99_s));
    before += stage.mean_s;
  }
  return "<div class=\"scroll\"><table class=\"steps\">\n<thead><tr><th>stage</th><th>mean, in "
         "turn</th><th class=\"n\">share</th><th class=\"n\">mean</th><th "
         "class=\"n\">p50</th><th class=\"n\">p99</th></tr></thead>\n<tbody>\n" +
         rows +
         fmt::format(
             "</tbody><tfoot><tr><th scope=\"row\">a document</th><td></td><td "
             "class=\"n\">100%</td><td class=\"n\">{}</td><td></td><td></td></tr></tfoot>",
             time_text(whole)) +
         "</table></div>\n";
}

std::string resources(const CapacityReport& report) {
  std::string said = fmt::format("<p class=\"bound\">{}</p>\n", text(report.bound_by));
  if (report.resources.empty())
    return said + nothing("Nothing of the system's resources was to be seen from here.");
  std::string rows;
  for (const Resource& resource : report.resources) {
    const bool has_limit = resource.limit > 0;
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"flow\">{}</td><td class=\"n\">{}</td><td "
        "class=\"n\">{}{}</td><td class=\"unit\">{}</td><td class=\"n\">{}</td></tr>\n",
        text(resource.name),
        has_limit ? fmt::format("<span class=\"bar use\"><i{} style=\"width:{}\"></i></span>",
                                resource.utilisation >= 0.9 ? " class=\"full\"" : "",
                                percent(resource.utilisation))
                  : "",
        has_limit ? fmt::format("{:.1f}%", 100 * resource.utilisation) : "",
        human_amount(resource.used),
        has_limit ? fmt::format(" <span class=\"soft\">of {}</span>", human_amount(resource.limit))
                  : "",
        text(resource.unit), resource.roofline ? human_rate(*resource.roofline) + "/s" : "");
  }
  return said +
         "<div class=\"scroll\"><table class=\"steps\">\n<thead><tr><th>resource</th><th>used</th>"
         "<th></th><th class=\"n\">amount</th><th></th><th class=\"n\">roofline, documents"
         "</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string errors(const CapacityReport& report) {
  if (report.errors.empty()) return nothing("None: every document that was due ended as done.");
  std::uint64_t most = 1;
  for (const ErrorCount& error : report.errors) most = std::max(most, error.count);
  std::string rows;
  for (const ErrorCount& error : report.errors)
    rows += fmt::format(
        "<tr><td class=\"n\">{}</td><td class=\"flow\"><span class=\"bar use\"><i class=\"full\" "
        "style=\"width:{}\"></i></span></td><td class=\"says\"><bdi>{}</bdi></td></tr>\n",
        with_commas(error.count),
        percent(static_cast<double>(error.count) / static_cast<double>(most)), text(error.what));
  return "<table class=\"steps errors\">\n<thead><tr><th class=\"n\">documents</th><th></th>"
         "<th>what</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string slowest(const CapacityReport& report) {
  const RunRecord& run = report.run;
  std::string items;
  double longest = 0;
  for (const std::uint64_t number : report.slowest) {
    const Arrival& arrival = run.arrivals[number];
    const StageTimes times = stages_of(arrival);
    double whole = 0;
    for (const double time : times) whole += time;
    if (longest == 0) longest = std::max(whole, 1e-9);
    items += fmt::format(
        "<li><details>\n<summary><span class=\"n\">{}</span>{}<span class=\"who\"><bdi>{}</bdi> "
        "<span class=\"soft\">{}, {}</span></span></summary>\n<p class=\"note\">due at {} in "
        "{}, number {}; {}, {}{}</p>\n{}</details></li>\n",
        time_text(whole), trace_bar(times, longest), text(arrival.id, 80),
        text(run.phases[arrival.phase].name), human_bytes(arrival.bytes),
        human_time(Seconds(std::chrono::duration<double>(arrival.intended))),
        text(run.phases[arrival.phase].name), arrival.number, counted(arrival.pages, "page"),
        counted(arrival.chunks, "chunk"),
        arrival.message.empty() ? "" : fmt::format("; <bdi>{}</bdi>", text(arrival.message)),
        trace_rows(times));
  }
  if (items.empty()) return nothing("No document of a judged phase came to an end.");
  return stage_legend() + "<ol class=\"slowest\">\n" + items + "</ol>\n";
}

}  // namespace penstock::html
