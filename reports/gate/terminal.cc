#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/gate/decide.h"
#include "reports/gate/metric_verdicts.h"
#include "reports/gate/sentences.h"
#include "reports/gate/writers.h"
#include "reports/terminal_text.h"

namespace penstock {
namespace {

constexpr std::size_t label_columns = 24;
constexpr std::size_t forest_columns = 19;
constexpr double forest_floors = 3;  // to either side

int colour_of(GateVerdict verdict) {
  constexpr int colours[] = {32, 31, 33, 35};
  return colours[static_cast<std::size_t>(verdict)];
}

int colour_of(GateOutcome outcome) {
  constexpr int colours[] = {31, 32, 0, 33, 35};
  return colours[static_cast<std::size_t>(outcome)];
}

// In floors, the worse to the right.
std::size_t forest_place(const MetricResult& result, double change) {
  const double floors = worse_by(result.metric, change) / result.metric.floor;
  const double part = (std::clamp(floors, -forest_floors, forest_floors) / forest_floors + 1) / 2;
  return static_cast<std::size_t>(std::lround(part * (forest_columns - 1)));
}

// "      :  |==o==:     ": no change, the floors to both sides, the interval and its middle.
std::string forest(const MetricResult& result) {
  std::string row(forest_columns, ' ');
  if (!result.change || result.metric.floor <= 0) return row;
  if (result.low && result.high) {
    const std::size_t low = forest_place(result, *result.low);
    const std::size_t high = forest_place(result, *result.high);
    for (std::size_t at = std::min(low, high); at <= std::max(low, high); ++at) row[at] = '=';
  }
  for (const double floors : {-1.0, 1.0})
    row[forest_place(result, floors * result.metric.floor)] = ':';
  row[forest_place(result, 0)] = '|';
  row[forest_place(result, *result.change)] = 'o';
  return row;
}

class GateTerminal {
 public:
  GateTerminal(const GateReport& report, bool with_colours)
      : report_(report), record_(report.record), with_colours_(with_colours) {}

  std::string text() const {
    return without_blank_ends(banner() + regressions() + figures() + content() + missing() +
                              history() + origin());
  }

 private:
  // Only the first such word, whose width is not known to wrapped().
  std::string with_colour(int colour, const std::string& word, std::string text) const {
    if (!with_colours_ || colour == 0) return text;
    return text.replace(text.find(word), word.size(),
                        fmt::format("\x1b[1;{}m{}\x1b[0m", colour, word));
  }

  std::string banner() const {
    const std::string word = upper(name_of(report_.verdict));
    const std::string below(word.size() + 2, ' ');
    return with_colour(colour_of(report_.verdict), word, wrapped(word + "  ", report_.sentence)) +
           wrapped(below, about_text(report_)) +
           (record_.job.empty() ? "" : wrapped(below, record_.job));
  }

  // The first is in the banner.
  std::string regressions() const {
    if (report_.regressions.size() < 2) return {};
    std::string text = "\nRegressions\n";
    for (const std::string& line : report_.regressions) text += wrapped("  - ", line);
    return text;
  }

  std::string figure(const MetricResult& result) const {
    const std::string word(word_of(result));
    const std::string label = printable(label_of(result.metric));
    // Of another one, a line by itself.
    const bool fits = label.size() <= label_columns;
    std::string text = with_colour(colour_of(result.outcome), word,
                                   fmt::format("  {:<12}  {:<{}}", word, label, label_columns));
    if (!fits) text += fmt::format("\n{:<{}}", "", 16 + label_columns);
    if (!result.change) return text + "  " + result.sentence + '\n';
    GateMetric bare = result.metric;
    if (bare.unit != "bytes") bare.unit.clear();
    const std::string interval =
        result.low && result.high
            ? fmt::format("{} to {}", percent_text(*result.low), percent_text(*result.high))
            : "";
    return text + fmt::format(" {:>9} {:>7} {:>18}  {}\n", value_text(bare, *result.baseline),
                              percent_text(*result.change), interval, forest(result));
  }

  std::string figures() const {
    if (report_.metrics.empty()) return {};
    std::string text =
        fmt::format("\n{:<{}} {:>9} {:>7} {:>18}  {:^{}}\n", "Figures", 16 + label_columns,
                    "baseline", "change", "99% interval", "better : | : worse", forest_columns);
    std::string controls;
    for (const MetricResult& result : report_.metrics)
      (result.metric.is_control ? controls : text) += figure(result);
    if (!controls.empty()) text += "Controls: no change to the program moves them\n" + controls;
    for (const MetricResult& result : report_.metrics)
      if (result.more_pairs > 0)
        text += wrapped("  ", fmt::format("{} needs about {} more", label_of(result.metric),
                                          counted(result.more_pairs, "pair")));
    return text;
  }

  std::string content() const {
    std::string text = "\nContent\n";
    if (report_.content.empty()) return text + "  was not compared\n";
    std::size_t same = 0;
    for (const ContentResult& result : report_.content) {
      if (result.sentence.empty()) ++same;
      if (result.sentence.empty() || result.outcome == GateOutcome::regression) continue;
      text +=
          wrapped(fmt::format("  {:<12}  ", word_of(result)),
                  fmt::format("{}: {} (limit: {})", result.name, result.sentence, result.limit));
    }
    const std::size_t worse = static_cast<std::size_t>(
        std::ranges::count(report_.content, GateOutcome::regression, &ContentResult::outcome));
    text += fmt::format("  {} of {} the same{}\n", same, counted(report_.content.size(), "line"),
                        worse > 0 ? fmt::format(", {} worse: see above", worse) : "");
    std::size_t width = 0;
    for (const auto& difference : record_.content.differences)
      width = std::max(width, std::min<std::size_t>(40, printable(difference.document).size()));
    for (const auto& difference : record_.content.differences)
      text += wrapped(fmt::format("    {:<{}}  ", printable(difference.document), width),
                      difference.what);
    return text;
  }

  std::string missing() const {
    if (record_.missing.empty()) return {};
    std::string text = "\nNot measured\n";
    for (const std::string& reason : record_.missing) text += wrapped("  ", reason);
    return text;
  }

  std::string history() const {
    const GateHistory& history = report_.history;
    if (history.gates.empty()) return {};
    std::string text = fmt::format("\nHistory of {} of this job on this machine\n",
                                   counted(history.gates.size(), "gate"));
    for (const ChangePoint& change : history.changes)
      text += with_colour(33, "warning", wrapped("  warning       ", change.sentence));
    if (history.changes.empty()) text += "  no step that is not chance\n";
    if (history.same_builds > 0) text += wrapped("  ", false_alarm_text(history));
    return text;
  }

  std::string origin() const {
    const Environment& machine = record_.environment;
    return '\n' +
           wrapped("", fmt::format("{} cores of {}, {}, {}, {}", machine.cores, machine.machine,
                                   human_bytes(machine.memory_bytes), machine.system,
                                   machine.started)) +
           // Whole, so that it can be copied.
           fmt::format("Again: {}\nSeed:  {}\n", printable(record_.command), record_.seed);
  }

  const GateReport& report_;
  const GateRecord& record_;
  const bool with_colours_;
};

}  // namespace

std::string terminal_report(const GateReport& report, bool with_colours) {
  return GateTerminal(report, with_colours).text();
}

}  // namespace penstock
