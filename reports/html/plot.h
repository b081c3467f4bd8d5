// A chart as static SVG: it needs no script and prints. The drawing stretches to the width there
// is; numbers and names are HTML over it, which stay as large as the page's text, on a phone too.
//
// Looks are classes of charts.css. What a pointer rests on says its numbers by <title>.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/html/scale.h"
#include "reports/statistics.h"

namespace penstock::html {

struct Key {
  std::string look;
  std::string name;
};

std::string legend(const std::vector<Key>& keys);

class Plot {
 public:
  // `description` is what somebody who does not see it is told.
  Plot(Scale x, Scale y, std::string description);

  Plot& x_axis(const std::vector<Tick>& ticks, std::string_view name = {});
  Plot& y_axis(const std::vector<Tick>& ticks, std::string_view name = {});
  // A stretch of x over the whole height, with its name at the top.
  Plot& band(double from, double to, std::string_view look, std::string_view name = {});
  Plot& level(double y, std::string_view look, std::string_view name);    // over the whole width
  Plot& upright(double x, std::string_view look, std::string_view name);  // over the whole height
  Plot& line(const std::vector<Point>& points, std::string_view look);
  // Each value until the next one's x, the last until `end`.
  Plot& steps(const std::vector<Point>& points, double end, std::string_view look);
  Plot& area(const std::vector<Point>& points, double end, std::string_view look);
  Plot& dots(const std::vector<Point>& points, std::string_view look);
  Plot& hover(double from, double to, std::string_view title);
  Plot& keys(std::vector<Key> keys);

  const Scale& x() const { return x_; }
  const Scale& y() const { return y_; }

  std::string figure(std::string_view caption, std::string_view size = "") const;

 private:
  std::string at(const Point& point) const;
  std::string stepped(const std::vector<Point>& points, double end) const;
  void path(std::string_view look, const std::string& d);

  Scale x_;
  Scale y_;
  std::string description_;
  std::string drawing_;
  std::string hovers_;  // above all that is drawn
  std::string labels_;
  std::vector<Key> keys_;
};

}  // namespace penstock::html
