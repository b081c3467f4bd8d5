#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/format.h"
#include "reports/html/charts.h"
#include "reports/html/markup.h"
#include "reports/html/plot.h"
#include "reports/html/series.h"
#include "reports/knee.h"
#include "reports/measured.h"

namespace penstock::html {
namespace {

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

}  // namespace

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
  std::vector<Point> points = sizes_and_times(measured_phases(report.run));
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
  places.reserve(points.size());
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

}  // namespace penstock::html
