#include "reports/html/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/format.h"
#include "reports/html/markup.h"
#include "reports/html/plot.h"
#include "reports/html/series.h"
#include "reports/knee.h"
#include "reports/measured.h"

namespace penstock::html {
namespace {

constexpr std::size_t phase_rows_max = 200;

using Seconds = std::chrono::duration<double>;

std::string time_text(double seconds) {
  return human_latency(Seconds(seconds));
}

// Places on the axis of percentiles: each nine is as wide as the one before.
double nines(double fraction) {
  return -std::log10(1 - fraction);
}

std::string percentile(double fraction) {
  return fmt::format("p{:.6g}", 100 * fraction);
}

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

std::vector<Point> undisturbed(const CapacityReport& report) {
  return sizes_and_times(measured_phases(report.run));
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

std::string percentiles(const CapacityReport& report) {
  if (report.quantiles.empty())
    return nothing("No document was answered, so there are no latencies.");
  const std::vector<QuantilePoint>& points = report.quantiles;
  double least = points.front().from_issued_s, most = 0, uncertain = nines(points.back().fraction);
  std::vector<Point> intended, issued;
  for (const QuantilePoint& point : points) {
    intended.push_back({nines(point.fraction), point.from_intended_s});
    issued.push_back({nines(point.fraction), point.from_issued_s});
    least = std::min({least, point.from_intended_s, point.from_issued_s});
    most = std::max({most, point.from_intended_s, point.from_issued_s});
    if (!point.is_certain) uncertain = std::min(uncertain, nines(point.fraction));
  }
  for (const TargetResult& result : report.targets)
    if (result.target.measure == Measure::upload && result.target.limit < 20 * most)
      most = std::max(most, result.target.limit);
  const Scale x = Scale::linear(nines(points.front().fraction), nines(points.back().fraction));
  Plot plot(
      x, of_latencies(least, most),
      fmt::format("Latency by percentile: {} {} from intended, {} from issued",
                  percentile(points.back().fraction), time_text(points.back().from_intended_s),
                  time_text(points.back().from_issued_s)));
  if (uncertain < x.high()) plot.band(uncertain, x.high(), "uncertain", "uncertain");
  plot.y_axis(labelled(plot.y().ticks(4), latency_tick));
  for (const TargetResult& result : report.targets)
    if (result.target.measure == Measure::upload && result.target.limit <= plot.y().high())
      plot.level(result.target.limit, "limit",
                 fmt::format("limit {}", latency_tick(result.target.limit)));
  plot.line(issued, "issued").line(intended, "intended").dots(intended, "intended");
  std::vector<Tick> ticks;
  for (const double fraction : {0.5, 0.9, 0.99, 0.999, 0.9999})
    if (nines(fraction) >= x.low() && nines(fraction) <= x.high() + 1e-9)
      ticks.push_back({nines(fraction), percentile(fraction)});
  plot.x_axis(ticks);
  plot.keys({{"line intended", "from the intended time"},
             {"line issued", "from the time it was issued"}});
  std::string rows;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const QuantilePoint& point = points[i];
    const std::string numbers =
        fmt::format("{}{}&#10;from intended {}&#10;from issued {}", percentile(point.fraction),
                    point.is_certain ? "" : " (too few documents)",
                    time_text(point.from_intended_s), time_text(point.from_issued_s));
    const double here = nines(point.fraction);
    plot.hover(i == 0 ? here : (here + intended[i - 1].x) / 2,
               i + 1 == points.size() ? here : (here + intended[i + 1].x) / 2, numbers);
    constexpr std::array in_table = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
    if (std::ranges::find(in_table, point.fraction) != in_table.end())
      rows += fmt::format(
          "<tr{}><th scope=\"row\">{}</th><td class=\"n\">{}</td><td "
          "class=\"n\">{}</td></tr>\n",
          point.is_certain ? "" : " class=\"soft\"", percentile(point.fraction),
          time_text(point.from_intended_s), time_text(point.from_issued_s));
  }
  return "<div class=\"side\">\n" + plot.figure("Latency by percentile") +
         "<div class=\"scroll\"><table>\n<thead><tr><th></th><th class=\"n\">from intended</th><th "
         "class=\"n\">from issued</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n</div>\n";
}

std::string load_and_latency(const CapacityReport& report) {
  if (report.steps.size() < 2)
    return nothing(
        "The load has no two rates to compare. A profile with steps of load finds the knee.");
  double least = report.steps.front().p50_s, most = 0, fastest = 0;
  std::vector<Point> p50, p99, late;
  std::string rows;
  for (const LoadStep& step : report.steps) {
    if (step.p50_s > 0) least = std::min(least, step.p50_s);
    most = std::max(most, step.p99_s);
    fastest = std::max(fastest, step.offered);
    p50.push_back({step.offered, step.p50_s});
    p99.push_back({step.offered, step.p99_s});
    if (!step.is_kept_up) late.push_back(p99.back());
    rows += fmt::format(
        "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
        "class=\"n\">{}</td><td class=\"n\">{:+.2f}</td><td>{}</td></tr>\n",
        human_rate(step.offered), human_rate(step.finished), time_text(step.p50_s),
        time_text(step.p99_s), step.backlog_slope,
        step.is_kept_up ? "kept up" : "<strong class=\"bad\">too much</strong>");
  }
  const Scale x = from_zero(fastest);
  Plot plot(x, of_latencies(least, most),
            report.knee ? fmt::format("Latency over load: the knee is at {} documents a second",
                                      human_rate(*report.knee))
                        : "Latency over load: no knee was found");
  if (report.knee) plot.band(*report.knee, x.high(), "uncertain");
  plot.y_axis(labelled(plot.y().ticks(4), latency_tick));
  if (report.knee)
    plot.upright(*report.knee, "knee", fmt::format("knee: {}/s kept up", human_rate(*report.knee)));
  plot.line(p50, "median").line(p99, "p99").dots(p50, "median").dots(p99, "p99");
  plot.dots(late, "late").x_axis(labelled(x.ticks(6), amount_tick), "documents/s offered");
  plot.keys({{"line p99", "p99"}, {"line median", "p50"}, {"dots late", "too much"}});
  for (std::size_t i = 0; i < report.steps.size(); ++i) {
    const LoadStep& step = report.steps[i];
    plot.hover(i == 0 ? 0 : (step.offered + p50[i - 1].x) / 2,
               i + 1 == p50.size() ? x.high() : (step.offered + p50[i + 1].x) / 2,
               fmt::format("{}/s offered, {}/s done&#10;p50 {}&#10;p99 {}&#10;backlog {:+.2f}/s",
                           human_rate(step.offered), human_rate(step.finished),
                           time_text(step.p50_s), time_text(step.p99_s), step.backlog_slope));
  }
  return "<div class=\"side\">\n" + plot.figure("From intended to done, by the load offered") +
         "<div class=\"scroll\"><table>\n<thead><tr><th class=\"n\">offered/s</th><th "
         "class=\"n\">done/s</th><th class=\"n\">p50</th><th class=\"n\">p99</th><th "
         "class=\"n\">backlog/s</th><th></th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n</div>\n";
}

std::string time_and_size(const CapacityReport& report) {
  std::vector<Point> points = undisturbed(report);
  std::erase_if(points, [](const Point& point) { return point.x <= 0 || point.y <= 0; });
  if (points.empty())
    return nothing(
        "Every document waited for another, so that its size alone explains no time: a phase of "
        "low load would show it.");
  const auto [smallest, largest] = std::ranges::minmax(points, {}, &Point::x);
  const auto [fastest, slowest] = std::ranges::minmax(points, {}, &Point::y);
  const auto& fit = report.size_fit;
  const double right = std::max(largest.x, fit ? 10.0 : 0.0) * 1.5, left = smallest.x / 1.5;
  const Scale x = Scale::logarithmic(left, right);
  const Scale y = Scale::logarithmic(fastest.y / 1.5,
                                     1.5 * std::max(slowest.y, fit ? fit->ten_mb_high_s : 0.0));
  Plot plot(x, y,
            fit ? fmt::format("Time against size of {} documents, with a line: 10 MB take {}",
                              with_commas(points.size()), time_text(fit->ten_mb_s))
                : fmt::format("Time against size of {} documents", with_commas(points.size())));
  plot.y_axis(labelled(y.ticks(5), latency_tick));
  std::vector<Point> places;
  for (const Point& point : points) places.push_back({x.place(point.x), y.place(point.y)});
  const auto by_weight = thinned(places);
  constexpr const char* looks[] = {"one", "some", "many"};
  const auto value = [](const Scale& scale, double place) {
    return scale.low() * std::pow(scale.high() / scale.low(), place);
  };
  for (std::size_t i = 0; i < by_weight.size(); ++i) {
    std::vector<Point> values;
    for (const Point& place : by_weight[i])
      values.push_back({value(x, place.x), value(y, place.y)});
    plot.dots(values, looks[i]);
  }
  std::string note = "Too few documents, or all of one size: no line can be drawn through them.";
  if (fit) {
    std::vector<Point> line;
    for (int i = 0; i <= 40; ++i) {
      const double megabytes = value(x, i / 40.0);
      if (const double seconds = fit->fixed_s + fit->seconds_per_mb * megabytes; seconds > y.low())
        line.push_back({megabytes, seconds});
    }
    plot.upright(10, "limit", "10 MB").line(line, "fit");
    plot.keys({{"dots some", "a document"}, {"line fit", "the line through them"}});
    note = fmt::format(
        "{} + {} a MB. A document of 10 MB takes {}, at most {} (99%); by {} that "
        "waited for nobody.",
        time_text(fit->fixed_s), time_text(fit->seconds_per_mb), time_text(fit->ten_mb_s),
        time_text(fit->ten_mb_high_s), counted(fit->documents, "document"));
  }
  plot.x_axis(labelled(x.ticks(5), size_tick), "size");
  return plot.figure("From intended to done, of documents that waited for nobody") +
         fmt::format("<p class=\"reading\">{}</p>\n", text(note));
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
