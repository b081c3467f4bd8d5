// From values to places on an axis, and back to the numbers that are written beside it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace penstock::html {

struct Tick {
  double at = 0;  // a value
  std::string label;
};

class Scale {
 public:
  static Scale linear(double low, double high);
  // Both above 0.
  static Scale logarithmic(double low, double high);

  // 0 to 1; what is outside is at the end.
  double place(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  bool is_logarithmic() const { return is_log_; }
  // Round values, about as many as wanted; of a logarithm 1, 10, 100, with 2 and 5 if those are
  // few.
  std::vector<double> ticks(int wanted) const;

 private:
  Scale(double low, double high, bool is_log) : low_(low), high_(high), is_log_(is_log) {}
  double low_;
  double high_;
  bool is_log_;
};

// From zero to a little more than `most`, so that a line does not lie on the frame.
Scale from_zero(double most);

// Linear from zero, unless what is typical would lie on the floor below a burst.
Scale of_rates(double typical, double most);

// Of latencies: linear from zero where that shows them all, else logarithmic.
Scale of_latencies(double least, double most);

std::vector<Tick> labelled(const std::vector<double>& values,
                           const std::function<std::string(double)>& label);

// Ticks of time since a start: 0:00, 0:30, 1:00; of a few seconds 0 s, 0.5 s, 1 s.
std::vector<Tick> clock_ticks(const Scale& scale);
std::string clock_text(double seconds);

std::string amount_tick(double amount);    // 0, 0.5, 1,200, 15 k
std::string size_tick(double megabytes);   // 200 kB, 10 MB
std::string latency_tick(double seconds);  // 5 ms, 0.2 s, 10 s, 5 min

}  // namespace penstock::html
