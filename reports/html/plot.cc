#include "reports/html/plot.h"

#include <fmt/format.h>

#include "reports/html/markup.h"

namespace penstock::html {
namespace {

constexpr double size = 1'000;  // of the drawing, in its own units, both ways
constexpr double band_width_min = 0.001;

std::string number(double value) {
  std::string digits = fmt::format("{:.1f}", value);
  if (digits.ends_with(".0")) digits.resize(digits.size() - 2);
  return digits;
}

}  // namespace

std::string legend(const std::vector<Key>& keys) {
  std::string items;
  for (const Key& key : keys)
    items += fmt::format(
        "<li><svg class=\"swatch\" viewBox=\"0 0 22 10\" aria-hidden=\"true\"><path class=\"{}\" "
        "d=\"{}\"/></svg>{}</li>",
        key.look, key.look.starts_with("dots") ? "M11 5h0" : "M1 5H21", text(key.name));
  return items.empty() ? "" : "<ul class=\"legend\">" + items + "</ul>\n";
}

Plot::Plot(Scale x, Scale y, std::string description)
    : x_(x), y_(y), description_(std::move(description)) {}

std::string Plot::at(const Point& point) const {
  return number(size * x_.place(point.x)) + ' ' + number(size * (1 - y_.place(point.y)));
}

void Plot::path(std::string_view look, const std::string& d) {
  drawing_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", look, d);
}

Plot& Plot::x_axis(const std::vector<Tick>& ticks, std::string_view name) {
  for (std::size_t i = 0; i < ticks.size(); ++i)
    labels_ +=
        fmt::format("<span class=\"x{}\" style=\"left:{}\">{}</span>\n", i % 2 == 1 ? " odd" : "",
                    percent(x_.place(ticks[i].at)), text(ticks[i].label));
  if (!name.empty()) labels_ += fmt::format("<span class=\"x-name\">{}</span>\n", text(name));
  return *this;
}

Plot& Plot::y_axis(const std::vector<Tick>& ticks, std::string_view name) {
  for (const Tick& tick : ticks) {
    path("grid", fmt::format("M0 {}H{}", number(size * (1 - y_.place(tick.at))), size));
    labels_ += fmt::format("<span class=\"y\" style=\"bottom:{}\">{}</span>\n",
                           percent(y_.place(tick.at)), text(tick.label));
  }
  if (!name.empty()) labels_ += fmt::format("<span class=\"y-name\">{}</span>\n", text(name));
  return *this;
}

Plot& Plot::band(double from, double to, std::string_view look, std::string_view name) {
  const double left = x_.place(from), width = x_.place(to) - left;
  if (width < band_width_min) return *this;
  drawing_ += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{}\"/>\n",
                          look, number(size * left), number(size * width), size);
  if (!name.empty())
    labels_ +=
        fmt::format("<span class=\"band-name\" style=\"left:{};width:{}\" title=\"{}\">{}</span>\n",
                    percent(left), percent(width), text(name), text(name));
  return *this;
}

Plot& Plot::level(double y, std::string_view look, std::string_view name) {
  path(look, fmt::format("M0 {}H{}", number(size * (1 - y_.place(y))), size));
  labels_ += fmt::format("<span class=\"level-name\" style=\"bottom:{}\">{}</span>\n",
                         percent(y_.place(y)), text(name));
  return *this;
}

Plot& Plot::upright(double x, std::string_view look, std::string_view name) {
  path(look, fmt::format("M{} 0V{}", number(size * x_.place(x)), size));
  labels_ += fmt::format("<span class=\"upright-name{}\" style=\"left:{}\">{}</span>\n",
                         x_.place(x) > 0.6 ? " to-left" : "", percent(x_.place(x)), text(name));
  return *this;
}

Plot& Plot::line(const std::vector<Point>& points, std::string_view look) {
  if (points.empty()) return *this;
  std::string d;
  for (const Point& point : points) d += (d.empty() ? 'M' : 'L') + at(point);
  path(fmt::format("line {}", look), d);
  return *this;
}

std::string Plot::stepped(const std::vector<Point>& points, double end) const {
  std::string d;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::string y = number(size * (1 - y_.place(points[i].y)));
    d += i == 0 ? 'M' + at(points[0]) : 'V' + y;
    d += 'H' + number(size * x_.place(i + 1 < points.size() ? points[i + 1].x : end));
  }
  return d;
}

Plot& Plot::steps(const std::vector<Point>& points, double end, std::string_view look) {
  if (!points.empty()) path(fmt::format("line {}", look), stepped(points, end));
  return *this;
}

Plot& Plot::area(const std::vector<Point>& points, double end, std::string_view look) {
  if (!points.empty())
    path(fmt::format("area {}", look),
         stepped(points, end) + fmt::format("V{}H{}Z", size, number(size * x_.place(points[0].x))));
  return *this;
}

// A stroke without length has a round end, which the stretching leaves round.
Plot& Plot::dots(const std::vector<Point>& points, std::string_view look) {
  std::string d;
  for (const Point& point : points) d += 'M' + at(point) + "h0";
  if (!d.empty()) path(fmt::format("dots {}", look), d);
  return *this;
}

Plot& Plot::hover(double from, double to, std::string_view title) {
  const double left = x_.place(from);
  hovers_ += fmt::format("<rect x=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>\n",
                         number(size * left), number(size * (x_.place(to) - left)), size, title);
  return *this;
}

Plot& Plot::keys(std::vector<Key> keys) {
  keys_ = std::move(keys);
  return *this;
}

std::string Plot::figure(std::string_view caption, std::string_view of_size) const {
  return fmt::format(
      "<figure class=\"chart {0}\">\n<figcaption>{1}</figcaption>\n{2}"
      "<div class=\"plot\" role=\"img\" aria-label=\"{3}\">\n"
      "<svg viewBox=\"0 0 {4} {4}\" preserveAspectRatio=\"none\">\n{5}"
      "<g class=\"hovers\">\n{6}</g></svg>\n{7}</div>\n</figure>\n",
      of_size, text(caption), legend(keys_), text(description_), size, drawing_, hovers_, labels_);
}

}  // namespace penstock::html
