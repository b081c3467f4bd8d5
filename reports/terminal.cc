#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/format.h"
#include "reports/measured.h"
#include "reports/terminal_text.h"
#include "reports/writers.h"

namespace penstock {
namespace {

constexpr std::size_t bar_columns = 30;
constexpr std::array shown_quantiles = {0.5, 0.9, 0.99, 0.999};

using Seconds = std::chrono::duration<double>;

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

class TerminalReport {
 public:
  TerminalReport(const CapacityReport& report, bool with_colours)
      : report_(report), run_(report.run), with_colours_(with_colours) {}

  std::string text() const {
    return without_blank_ends(banner() + targets() + capacity() + latencies() + stages() +
                              resources() + steps() + validity() + errors() + origin());
  }

 private:
  std::string coloured(Verdict verdict, const std::string& text) const {
    if (!with_colours_) return text;
    constexpr int colours[] = {32, 31, 33, 35};
    return fmt::format("\x1b[1;{}m{}\x1b[0m", colours[static_cast<std::size_t>(verdict)], text);
  }
  // Only the first word, whose width is not known to wrapped().
  std::string with_colour(Verdict verdict, const std::string& word, std::string text) const {
    return text.replace(text.find(word), word.size(), coloured(verdict, word));
  }

  std::string banner() const {
    const std::string word = upper(name_of(report_.verdict));
    const std::string about = fmt::format("{}: {} in {} on {}", run_.profile_name,
                                          counted(run_.arrivals.size(), "document"),
                                          human_time(Seconds(in_seconds(run_.ended))), run_.system);
    return with_colour(report_.verdict, word, wrapped(word + "  ", report_.sentence)) +
           wrapped(std::string(word.size() + 2, ' '), about);
  }

  std::string targets() const {
    std::size_t width = 0;
    for (const TargetResult& result : report_.targets)
      width = std::max(width, result.target.name.size());
    std::string text = "\nTargets\n";
    for (const TargetResult& result : report_.targets) {
      const std::string word(name_of(result.verdict));
      text +=
          with_colour(result.verdict, word,
                      wrapped(fmt::format("  {:<12}  {:<{}}  ", word, result.target.name, width),
                              result.sentence));
    }
    return text;
  }

  std::string capacity() const {
    std::string text = "\nCapacity\n";
    if (report_.daily && report_.daily->headroom > 0)
      text += fmt::format("  headroom    {} x the documents a day that are wanted\n",
                          human_rate(report_.daily->headroom));
    text += wrapped("  bottleneck  ", report_.bound_by);
    if (const auto& fit = report_.size_fit)
      text += fmt::format("  size        {} + {} a MB: {} for 10 MB, at most {}, by {}\n",
                          time_text(fit->fixed_s), time_text(fit->seconds_per_mb),
                          time_text(fit->ten_mb_s), time_text(fit->ten_mb_high_s),
                          counted(fit->documents, "document"));
    return text;
  }

  std::string bar(double part) const {
    const auto filled = static_cast<std::size_t>(
        std::lround(static_cast<double>(bar_columns) * std::clamp(part, 0.0, 1.0)));
    return std::string(filled, '#') + std::string(bar_columns - filled, '.');
  }

  std::string latencies() const {
    if (report_.quantiles.empty()) return {};
    std::string text =
        fmt::format("\n{:<17}{:>14} {:>14}\n", "Latency", "from intended", "from issued");
    for (const QuantilePoint& point : report_.quantiles)
      if (std::ranges::find(shown_quantiles, point.fraction) != shown_quantiles.end())
        text +=
            fmt::format("  {:<15}{:>14} {:>14}{}\n", fmt::format("p{:.6g}", 100 * point.fraction),
                        time_text(point.from_intended_s), time_text(point.from_issued_s),
                        point.is_certain ? "" : "  too few documents");
    return text;
  }

  std::string stages() const {
    if (report_.stages.empty()) return {};
    std::string text =
        fmt::format("\n{:<17}{:>9} {:>9} {:>9}\n", "Time of a document", "mean", "p50", "p99");
    for (const StageShare& stage : report_.stages)
      text += fmt::format("  {:<16}{:>9} {:>9} {:>9}  {:>4.0f}%  {}\n", stage.name,
                          time_text(stage.mean_s), time_text(stage.p50_s), time_text(stage.p99_s),
                          100 * stage.share, bar(stage.share));
    return text;
  }

  std::string resources() const {
    if (report_.resources.empty()) return {};
    std::size_t width = 20;
    for (const Resource& resource : report_.resources)
      width = std::max(width, resource.name.size());
    std::string text = fmt::format("\n{:<{}} {:>10} {:>10}  {:<14} {:>6}  {}\n", "Resources",
                                   width + 2, "used", "of", "", "", "used up at documents/s");
    for (const Resource& resource : report_.resources)
      text +=
          fmt::format("  {:<{}} {:>10} {:>10}  {:<14} {:>6}  {}\n", resource.name, width,
                      human_amount(resource.used),
                      resource.limit > 0 ? human_amount(resource.limit) : "", resource.unit,
                      resource.limit > 0 ? fmt::format("{:.1f}%", 100 * resource.utilisation) : "",
                      resource.roofline ? human_rate(*resource.roofline) : "");
    return text;
  }

  std::string steps() const {
    if (report_.steps.size() < 2) return {};
    std::string text = fmt::format("\n{:>18} {:>10} {:>9} {:>9} {:>10}\n", "Documents/s: offered",
                                   "done", "p50", "p99", "backlog/s");
    for (const LoadStep& step : report_.steps)
      text += fmt::format("  {:>18} {:>10} {:>9} {:>9} {:>+10.2f}  {}\n", human_rate(step.offered),
                          human_rate(step.finished), time_text(step.p50_s), time_text(step.p99_s),
                          step.backlog_slope, step.is_kept_up ? "" : "too much");
    return text;
  }

  std::string validity() const {
    const Conservation& sums = report_.conservation;
    std::string text = "\nValidity\n";
    for (const Check& check : report_.checks) {
      if (check.holds) continue;
      const Verdict colour = check.is_failure ? Verdict::fail : Verdict::invalid;
      const std::string word = check.is_failure ? "fails" : "invalid";
      text += with_colour(colour, word,
                          wrapped(fmt::format("  {:<12}  ", word),
                                  fmt::format("{}: {} (limit: {}): {}", check.name, check.value,
                                              check.limit, check.sentence)));
    }
    const auto holding =
        static_cast<std::uint64_t>(std::ranges::count(report_.checks, true, &Check::holds));
    text += fmt::format("  {} of {} hold\n", holding, counted(report_.checks.size(), "check"));
    text += wrapped(
        "  ", fmt::format(
                  "{} accepted = {} done + {} failed + {} in flight + {} lost; {} "
                  "stored twice; {} refused, {} broken, {} dropped",
                  with_commas(sums.accepted), with_commas(sums.done), with_commas(sums.failed),
                  with_commas(sums.in_flight), with_commas(sums.lost), with_commas(sums.twice),
                  with_commas(sums.refused), with_commas(sums.broken), with_commas(sums.dropped)));
    return text;
  }

  std::string errors() const {
    if (report_.errors.empty()) return {};
    std::string text = "\nErrors\n";
    for (const ErrorCount& error : report_.errors)
      text += wrapped(fmt::format("  {:>9}  ", with_commas(error.count)), error.what);
    return text;
  }

  std::string origin() const {
    const Environment& machine = run_.environment;
    return '\n' +
           wrapped("",
                   fmt::format("{} cores of {}, {}, {}, penstock {} ({}), {}", machine.cores,
                               machine.machine, human_bytes(machine.memory_bytes), machine.system,
                               machine.version, machine.build, machine.started)) +
           // Whole, so that it can be copied.
           fmt::format("Again: {}\nSeed:  {}\n", printable(run_.command), run_.seed);
  }

  const CapacityReport& report_;
  const RunRecord& run_;
  const bool with_colours_;
};

}  // namespace

std::string terminal_report(const CapacityReport& report, bool with_colours) {
  return TerminalReport(report, with_colours).text();
}

}  // namespace penstock
