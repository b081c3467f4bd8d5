#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "reports/format.h"
#include "reports/html/charts.h"
#include "reports/html/markup.h"
#include "reports/html/plot.h"
#include "reports/html/series.h"
#include "reports/measured.h"

namespace penstock::html {
namespace {

constexpr std::size_t phase_rows_max = 200;

void show_phases(Plot& plot, const RunRecord& run, bool are_named) {
  for (std::size_t i = 0; i < run.phases.size(); ++i) {
    const PhaseRecord& phase = run.phases[i];
    // Until the next begins: its documents are still under way.
    const double end =
        i + 1 < run.phases.size() ? in_seconds(run.phases[i + 1].begin) : plot.x().high();
    plot.band(in_seconds(phase.begin), end, phase.is_warm_up ? "warm-up" : "phase",
              are_named ? phase.name : "");
  }
}

std::string moment_text(double begin, double end) {
  return end >= 100 ? clock_text(begin) + " to " + clock_text(end)
                    : fmt::format("{:.4g} to {:.4g} s", begin, end);
}

Plot rates(const RunRecord& run, const std::vector<Moment>& series, const Scale& x) {
  double most = 0;
  std::vector<double> ends;
  std::vector<Point> offered, accepted, done;
  for (const Moment& moment : series) {
    most = std::max({most, moment.offered, moment.accepted, moment.done});
    offered.push_back({moment.begin_s, moment.offered});
    accepted.push_back({moment.begin_s, moment.accepted});
    done.push_back({moment.begin_s, moment.done});
    if (moment.done > 0) ends.push_back(moment.done);
  }
  std::ranges::sort(ends);
  const double typical = ends.empty() ? 0 : ends[ends.size() / 2];
  Plot plot(x, of_rates(typical, most),
            fmt::format("Documents a second over time: at most {} offered, {} accepted, {} done",
                        human_rate(std::ranges::max(offered, {}, &Point::y).y),
                        human_rate(std::ranges::max(accepted, {}, &Point::y).y),
                        human_rate(std::ranges::max(done, {}, &Point::y).y)));
  show_phases(plot, run, true);
  plot.y_axis(labelled(plot.y().ticks(4), amount_tick));
  plot.area(offered, x.high(), "offered-area");
  plot.steps(offered, x.high(), "offered").steps(accepted, x.high(), "accepted");
  plot.steps(done, x.high(), "done").x_axis(clock_ticks(x));
  for (const Moment& moment : series)
    plot.hover(moment.begin_s, moment.end_s,
               fmt::format("{}&#10;offered {}/s&#10;accepted {}/s&#10;done {}/s",
                           moment_text(moment.begin_s, moment.end_s), human_rate(moment.offered),
                           human_rate(moment.accepted), human_rate(moment.done)));
  plot.keys({{"line offered", "offered"}, {"line accepted", "accepted"}, {"line done", "done"}});
  return plot;
}

// Of each step its slope, through the mean of what was in flight.
void show_slopes(Plot& plot, const CapacityReport& report, const std::vector<Moment>& series) {
  for (const LoadStep& step : report.steps) {
    const auto phase = std::ranges::find(report.run.phases, step.phase, &PhaseRecord::name);
    if (phase == report.run.phases.end()) continue;
    const double begin = in_seconds(phase->begin), end = in_seconds(phase->end);
    double sum = 0, count = 0;
    for (const Moment& moment : series) {
      if (moment.end_s < begin || moment.begin_s > end) continue;
      sum += static_cast<double>(moment.in_flight);
      ++count;
    }
    if (count == 0) continue;
    const double rise = step.backlog_slope * (end - begin) / 2;
    plot.line({{begin, sum / count - rise}, {end, sum / count + rise}},
              step.is_kept_up ? "slope" : "slope steep");
  }
}

Plot in_flight(const CapacityReport& report, const std::vector<Moment>& series, const Scale& x) {
  double most = 0;
  std::vector<Point> flying, waiting;
  for (const Moment& moment : series) {
    flying.push_back({moment.begin_s, static_cast<double>(moment.in_flight)});
    waiting.push_back({moment.begin_s, static_cast<double>(moment.waiting)});
    most = std::max(most, flying.back().y);
  }
  Plot plot(
      x, from_zero(most),
      fmt::format("Documents in flight over time: at most {}, of which {} waited",
                  human_amount(most), human_amount(std::ranges::max(waiting, {}, &Point::y).y)));
  show_phases(plot, report.run, false);
  plot.y_axis(labelled(plot.y().ticks(4), amount_tick));
  plot.area(waiting, x.high(), "waiting-area").steps(flying, x.high(), "in-flight");
  show_slopes(plot, report, series);
  plot.x_axis(clock_ticks(x));
  for (const Moment& moment : series)
    plot.hover(
        moment.begin_s, moment.end_s,
        fmt::format("{}&#10;in flight {}&#10;waiting {}", moment_text(moment.begin_s, moment.end_s),
                    with_commas(moment.in_flight), with_commas(moment.waiting)));
  std::vector<Key> keys = {{"line in-flight", "in flight"}, {"thick waiting", "of these waiting"}};
  if (!report.steps.empty()) keys.push_back({"line slope", "slope of the backlog"});
  plot.keys(std::move(keys));
  return plot;
}

std::string phase_table(const RunRecord& run) {
  std::vector<std::uint64_t> documents(run.phases.size(), 0);
  for (const Arrival& arrival : run.arrivals) ++documents[arrival.phase];
  std::string rows;
  for (std::size_t i = 0; i < std::min(run.phases.size(), phase_rows_max); ++i) {
    const PhaseRecord& phase = run.phases[i];
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td></tr>\n",
        text(phase.name, 100), text(phase.plan, 100),
        phase.is_warm_up ? " (warm-up: not judged)" : "",
        text(moment_text(in_seconds(phase.begin), in_seconds(phase.end))),
        with_commas(documents[i]));
  }
  if (run.phases.size() > phase_rows_max)
    rows += fmt::format("<tr><td colspan=\"4\">and {} more</td></tr>\n",
                        with_commas(run.phases.size() - phase_rows_max));
  return "<details class=\"more\"><summary>Phases of the load</summary>\n<div "
         "class=\"scroll\"><table>\n<thead><tr><th>phase</th><th>plan</th><th "
         "class=\"n\">arrivals</th><th class=\"n\">documents</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div></details>\n";
}

}  // namespace

std::string timeline(const CapacityReport& report) {
  const std::vector<Moment> series = moments(report.run);
  if (series.empty()) return nothing("No document was due, so there is nothing to draw over time.");
  const Scale x = Scale::linear(0, series.back().end_s);
  std::string slope = "Documents that were accepted and had not ended";
  if (!report.steps.empty())
    slope += fmt::format("; the backlog's steepest slope is {:+.2f} documents a second",
                         report.backlog_slope);
  const Plot rate = rates(report.run, series, x);
  return rate.figure(rate.y().is_logarithmic() ? "Documents a second, on a logarithmic scale"
                                               : "Documents a second") +
         in_flight(report, series, x).figure(slope) + phase_table(report.run);
}

std::string use_over_time(const CapacityReport& report) {
  const std::vector<Use> series = uses(report.run.samples);
  if (series.size() < 2) return {};
  const Scale x = Scale::linear(0, series.back().end_s);
  struct Curve {
    const char* look;
    const char* name;
    std::function<std::optional<double>(const Use&)> of;
  };
  const auto chart = [&](const char* caption, const std::vector<Curve>& curves,
                         const std::function<std::string(double)>& number, double limit) {
    std::vector<std::vector<Point>> lines(curves.size());
    std::vector<std::string> titles;
    double most = limit;
    for (const Use& use : series) {
      std::string title = moment_text(use.begin_s, use.end_s);
      for (std::size_t i = 0; i < curves.size(); ++i) {
        const auto value = curves[i].of(use);
        if (!value) continue;
        lines[i].push_back({use.begin_s, *value});
        most = std::max(most, *value);
        title += fmt::format("&#10;{} {}", curves[i].name, number(*value));
      }
      titles.push_back(std::move(title));
    }
    Plot plot(x, from_zero(most), fmt::format("{} over time", caption));
    show_phases(plot, report.run, false);
    plot.y_axis(labelled(plot.y().ticks(3), number));
    if (limit > 0) plot.level(limit, "limit", fmt::format("{} cores", number(limit)));
    std::vector<Key> keys;
    for (std::size_t i = 0; i < curves.size(); ++i) {
      if (lines[i].empty()) continue;
      plot.steps(lines[i], x.high(), curves[i].look);
      keys.push_back({fmt::format("line {}", curves[i].look), curves[i].name});
    }
    for (std::size_t i = 0; i < series.size(); ++i)
      plot.hover(series[i].begin_s, series[i].end_s, titles[i]);
    plot.x_axis(clock_ticks(x)).keys(std::move(keys));
    return plot.figure(caption, "small");
  };
  const auto bytes = [](double value) { return size_tick(value / 1e6); };
  return "<div class=\"three\">\n" +
         chart("CPU, cores",
               {{"system", "system", [](const Use& use) { return use.system_cores; }},
                {"generator", "generator", [](const Use& use) { return use.generator_cores; }}},
               amount_tick, report.run.system_cores) +
         chart("Memory",
               {{"system", "system", [](const Use& use) { return use.system_memory; }},
                {"generator", "generator", [](const Use& use) { return use.generator_memory; }}},
               bytes, 0) +
         chart(
             "Descriptors",
             {{"system", "system", [](const Use& use) { return use.system_descriptors; }},
              {"generator", "generator", [](const Use& use) { return use.generator_descriptors; }},
              {"connections", "connections", [](const Use& use) { return use.connections; }}},
             amount_tick, 0) +
         "</div>\n";
}

}  // namespace penstock::html
