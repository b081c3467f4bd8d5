#include "reports/html/series.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/measured.h"

namespace penstock::html {
namespace {

constexpr double moments_max = 240;
// Of a run of a few documents each moment would have one or none.
constexpr double moments_min = 12;
constexpr std::array spot_columns = {160.0, 90.0};

// Round, and not shorter than `seconds`.
double round_length(double seconds) {
  for (const double length : {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0,
                              60.0, 120.0, 300.0, 600.0, 900.0, 1'800.0, 3'600.0})
    if (length >= seconds) return length;
  return std::ceil(seconds / 3'600) * 3'600;
}

// How many are under way, at most, in each moment.
class UnderWay {
 public:
  void add(std::optional<Offset> from, std::optional<Offset> to) {
    if (!from) return;
    changes_.push_back({in_seconds(*from), 1});
    if (to) changes_.push_back({in_seconds(*to), -1});
  }
  std::vector<std::uint64_t> most(double length, std::size_t count) {
    std::ranges::sort(changes_);
    std::vector<std::uint64_t> most(count, 0);
    std::int64_t now = 0;
    auto change = changes_.begin();
    for (std::size_t i = 0; i < count; ++i) {
      std::int64_t highest = now;
      for (; change != changes_.end() &&
             (change->first < length * static_cast<double>(i + 1) || i + 1 == count);
           ++change)
        highest = std::max(highest, now += change->second);
      most[i] = static_cast<std::uint64_t>(std::max<std::int64_t>(highest, 0));
    }
    return most;
  }

 private:
  std::vector<std::pair<double, int>> changes_;
};

void keep_most(std::optional<double>& most, std::optional<std::uint64_t> value) {
  if (value) most = std::max(most.value_or(0), static_cast<double>(*value));
}

}  // namespace

std::vector<Moment> moments(const RunRecord& run) {
  double end = in_seconds(run.ended);
  for (const Arrival& arrival : run.arrivals)
    for (const auto time : {std::optional(arrival.intended), arrival.accepted, arrival.done})
      if (time) end = std::max(end, in_seconds(*time));
  if (run.arrivals.empty() || end <= 0) return {};
  const double wanted =
      std::clamp(static_cast<double>(run.arrivals.size()), moments_min, moments_max);
  const double length = round_length(end / wanted);
  // The last is between half as long and half longer, so that its rates are none of a sliver.
  const auto count =
      static_cast<std::size_t>(std::max<std::int64_t>(1, std::llround(end / length)));
  std::vector<Moment> series(count);
  UnderWay in_flight, waiting;
  const auto at = [&](Offset time) -> Moment& {
    const double index = std::max(0.0, in_seconds(time) / length);
    return series[std::min(count - 1, static_cast<std::size_t>(index))];
  };
  for (const Arrival& arrival : run.arrivals) {
    ++at(arrival.intended).offered;
    if (arrival.accepted) ++at(*arrival.accepted).accepted;
    if (arrival.done) ++at(*arrival.done).done;
    in_flight.add(arrival.accepted, arrival.done);
    waiting.add(arrival.accepted, arrival.started ? arrival.started : arrival.done);
  }
  const auto flying = in_flight.most(length, count), lined_up = waiting.most(length, count);
  for (std::size_t i = 0; i < count; ++i) {
    Moment& moment = series[i];
    moment.begin_s = length * static_cast<double>(i);
    moment.end_s = i + 1 < count ? moment.begin_s + length : end;
    for (double* rate : {&moment.offered, &moment.accepted, &moment.done})
      *rate /= moment.end_s - moment.begin_s;
    moment.in_flight = flying[i];
    moment.waiting = lined_up[i];
  }
  return series;
}

std::vector<Use> uses(const std::vector<Sample>& samples) {
  std::vector<Use> series;
  const auto each =
      static_cast<std::size_t>(std::ceil(static_cast<double>(samples.size()) / moments_max));
  for (std::size_t first = 0; first < samples.size(); first += each) {
    const std::size_t end = std::min(first + each, samples.size());
    Use use;
    use.begin_s = in_seconds(samples[first == 0 ? 0 : first - 1].at);
    use.end_s = in_seconds(samples[end - 1].at);
    double system_cores = 0, system_samples = 0;
    for (std::size_t i = first; i < end; ++i) {
      const Sample& sample = samples[i];
      if (sample.system_cpu_cores) {
        system_cores += *sample.system_cpu_cores;
        ++system_samples;
      }
      keep_most(use.system_memory, sample.system_memory);
      keep_most(use.system_descriptors, sample.system_descriptors);
      keep_most(use.generator_memory, sample.generator_memory);
      use.generator_cores += sample.generator_cpu_cores / static_cast<double>(end - first);
      const auto most = [](double& value, std::uint64_t seen) {
        value = std::max(value, static_cast<double>(seen));
      };
      most(use.generator_descriptors, sample.generator_descriptors);
      most(use.connections, sample.connections);
    }
    if (system_samples > 0) use.system_cores = system_cores / system_samples;
    series.push_back(use);
  }
  return series;
}

std::array<std::vector<Point>, 3> thinned(const std::vector<Point>& places) {
  std::map<std::pair<int, int>, std::pair<Point, std::uint64_t>> spots;
  for (const Point& place : places) {
    auto& [first, count] = spots[{static_cast<int>(place.x * spot_columns[0]),
                                  static_cast<int>(place.y * spot_columns[1])}];
    if (count++ == 0) first = place;
  }
  std::array<std::vector<Point>, 3> by_weight;
  for (const auto& [spot, what] : spots)
    by_weight[what.second == 1 ? 0 : what.second < 20 ? 1 : 2].push_back(what.first);
  return by_weight;
}

}  // namespace penstock::html
