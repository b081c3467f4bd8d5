#include "reports/knee.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/statistics.h"

namespace penstock {
namespace {

constexpr double seconds_per_day = 86'400;
constexpr std::size_t stretches = 10;  // that a phase is cut into
// Less growth than this part of the offered rate is of no consequence: the queue of a day would be
// drained in a quarter of an hour.
constexpr double growth_min = 0.01;
constexpr double refusals_max = 0.01;
// A rate that was kept up for less says nothing of a day: quotas count in minutes, and a queue of a
// few documents does not grow.
constexpr double kept_up_min_s = 60;
constexpr std::size_t kept_up_min_documents = 100;

// How many of all documents the system had accepted and not ended, at any time.
class Backlog {
 public:
  explicit Backlog(const RunRecord& run) {
    for (const Arrival& arrival : run.arrivals) {
      if (!arrival.accepted) continue;
      accepted_.push_back(*arrival.accepted);
      if (arrival.done) done_.push_back(*arrival.done);
    }
    std::ranges::sort(accepted_);
    std::ranges::sort(done_);
  }

  double at(Offset time) const { return count(accepted_, time) - count(done_, time); }
  double done_between(Offset begin, Offset end) const {
    return count(done_, end) - count(done_, begin);
  }

 private:
  static double count(const std::vector<Offset>& times, Offset until) {
    return static_cast<double>(std::ranges::upper_bound(times, until) - times.begin());
  }
  std::vector<Offset> accepted_;
  std::vector<Offset> done_;
};

struct Growth {
  double slope = 0;  // documents a second
  bool is_certain = false;
};

Growth growth_of(const Backlog& backlog, const PhaseRecord& phase) {
  constexpr std::size_t looks = 10;  // a stretch
  std::vector<Point> points;
  std::vector<double> means;
  for (std::size_t i = 1; i <= stretches * looks; ++i) {
    const Offset time = phase.begin + (phase.end - phase.begin) * static_cast<std::int64_t>(i) /
                                          static_cast<std::int64_t>(stretches * looks);
    points.push_back({in_seconds(time), backlog.at(time)});
    if (i % looks == 1) means.push_back(0);
    means.back() += points.back().y / looks;
  }
  const auto line = fit(points);
  return {line ? line->slope : 0, is_growing(means)};
}

std::vector<double> sorted_latencies(const MeasuredPhase& phase) {
  std::vector<double> latencies;
  for (const Arrival* arrival : phase.arrivals)
    if (arrival->ending == Ending::done)
      latencies.push_back(in_seconds(*arrival->done - arrival->intended));
  std::ranges::sort(latencies);
  return latencies;
}

LoadStep step_of(const Backlog& backlog, const MeasuredPhase& phase) {
  LoadStep step;
  step.phase = phase.plan->name;
  step.offered = *phase.plan->documents_per_second;
  // Without its beginning, in which documents come and none is done yet.
  const Offset begin = phase.plan->begin + (phase.plan->end - phase.plan->begin) / 10;
  if (phase.plan->end > begin)
    step.finished =
        backlog.done_between(begin, phase.plan->end) / in_seconds(phase.plan->end - begin);
  const std::vector<double> latencies = sorted_latencies(phase);
  step.p50_s = quantile(latencies, 0.5).value.value_or(0);
  step.p99_s = quantile(latencies, 0.99).value.value_or(0);
  const Growth growth = growth_of(backlog, *phase.plan);
  step.backlog_slope = growth.slope;
  const auto refused = std::ranges::count_if(phase.arrivals, [](const Arrival* arrival) {
    return arrival->ending == Ending::refused || arrival->ending == Ending::broken;
  });
  step.is_growing = growth.is_certain && growth.slope > growth_min * step.offered;
  step.is_kept_up =
      !step.is_growing &&
      static_cast<double>(refused) <= refusals_max * static_cast<double>(phase.arrivals.size());
  return step;
}

// The rates of stretches in which a phase's documents were done, without the first and the last
// tenth of them: between, everything is at work.
void add_rates(const MeasuredPhase& phase, std::vector<double>& rates) {
  std::vector<Offset> ends;
  for (const Arrival* arrival : phase.arrivals)
    if (arrival->ending == Ending::done) ends.push_back(*arrival->done);
  if (ends.size() < 10 * stretches) return;
  std::ranges::sort(ends);
  const Offset begin = ends[ends.size() / 10];
  const Offset length = (ends[ends.size() * 9 / 10] - begin) / static_cast<std::int64_t>(stretches);
  if (length <= Offset{0}) return;
  for (std::size_t i = 0; i < stretches; ++i) {
    const Offset from = begin + length * static_cast<std::int64_t>(i);
    const auto count =
        std::ranges::lower_bound(ends, from + length) - std::ranges::lower_bound(ends, from);
    rates.push_back(static_cast<double>(count) / in_seconds(length));
  }
}

struct Rate {
  double value = 0;  // documents a second
  double low = 0;
  std::optional<double> high;
  std::string how;
};

Rate rate_of_sweep(const std::vector<LoadStep>& steps) {
  const double knee = knee_of(steps).value_or(0);
  const LoadStep* beyond = nullptr;
  double high = 0;
  for (const LoadStep& step : steps) {
    if (step.offered <= knee) continue;
    if (beyond == nullptr) beyond = &step;
    high = std::max(high, step.finished);
  }
  if (beyond == nullptr)
    return {knee, knee, std::nullopt,
            fmt::format("{} documents/s were kept up, and no more were offered", human_rate(knee))};
  if (knee == 0)
    return {high, 0, high,
            fmt::format("not even {} documents/s were kept up", human_rate(beyond->offered))};
  // What is done under too much load may be less than what is kept up: queues cost, too.
  high = std::max(high, knee);
  return {std::clamp(beyond->finished, knee, high), knee, high,
          fmt::format("from the knee between {} and {} documents/s", human_rate(knee),
                      human_rate(beyond->offered))};
}

std::optional<Rate> rate_of_drains(const std::vector<MeasuredPhase>& phases) {
  std::vector<double> rates;
  std::size_t bursts = 0;
  for (const MeasuredPhase& phase : phases) {
    if (phase.plan->documents_per_second || phase.plan->concurrency > 0) continue;
    const std::size_t before = rates.size();
    add_rates(phase, rates);
    bursts += rates.size() > before ? 1 : 0;
  }
  const Interval rate = mean(rates);
  if (!rate.low) return std::nullopt;
  return Rate{*rate.value, std::max(0.0, *rate.low), rate.high,
              bursts == 1 ? "from the drain of a burst"
                          : fmt::format("from the drains of {} bursts", bursts)};
}

bool is_long_enough(const LoadStep& step, const std::vector<MeasuredPhase>& phases) {
  return std::ranges::any_of(phases, [&](const MeasuredPhase& phase) {
    return phase.plan->name == step.phase && phase.length_s() >= kept_up_min_s &&
           phase.arrivals.size() >= kept_up_min_documents;
  });
}

// What was kept up without having been too much: a rate, or clients that wait for their documents.
std::optional<Rate> rate_kept_up(const std::vector<MeasuredPhase>& phases,
                                 const std::vector<LoadStep>& steps) {
  std::optional<Rate> best;
  for (const LoadStep& step : steps)
    if (step.is_kept_up && is_long_enough(step, phases) && (!best || step.offered > best->value))
      best = {step.offered, step.offered, std::nullopt,
              fmt::format("{} documents/s were kept up, and no more were offered",
                          human_rate(step.offered))};
  for (const MeasuredPhase& phase : phases) {
    if (phase.plan->concurrency == 0) continue;
    std::vector<double> rates;
    add_rates(phase, rates);
    const Interval rate = mean(rates);
    if (rate.low && (!best || *rate.low > best->low))
      best = {*rate.value, std::max(0.0, *rate.low), std::nullopt,
              fmt::format("with {} that wait for their documents",
                          counted(phase.plan->concurrency, "client"))};
  }
  return best;
}

std::optional<Rate> rate_of(const std::vector<MeasuredPhase>& phases,
                            const std::vector<LoadStep>& steps) {
  if (is_sweep(steps)) return rate_of_sweep(steps);
  const auto kept_up = rate_kept_up(phases, steps);
  const auto drained = rate_of_drains(phases);
  return kept_up && (!drained || kept_up->low > drained->low) ? kept_up : drained;
}

// Documents a second that the keys allow in the long run. Absent: no limit, or no tokens.
std::optional<double> rate_of_quota(const RunRecord& run,
                                    const std::vector<MeasuredPhase>& phases) {
  double tokens_per_minute = 0;
  for (const KeyRecord& key : run.keys) {
    if (key.tokens_per_minute == 0) return std::nullopt;
    tokens_per_minute += static_cast<double>(key.tokens_per_minute);
  }
  double tokens = 0, documents = 0;
  for (const Arrival* arrival : arrivals_of(phases)) {
    if (arrival->ending != Ending::done) continue;
    tokens += static_cast<double>(arrival->tokens);
    ++documents;
  }
  if (tokens == 0 || run.keys.empty()) return std::nullopt;
  return tokens_per_minute / 60 / (tokens / documents);
}

}  // namespace

std::vector<LoadStep> load_steps(const RunRecord& run, const std::vector<MeasuredPhase>& phases) {
  const Backlog backlog(run);
  std::vector<LoadStep> steps;
  for (const MeasuredPhase& phase : phases)
    if (phase.plan->documents_per_second) steps.push_back(step_of(backlog, phase));
  std::ranges::stable_sort(steps, {}, &LoadStep::offered);
  return steps;
}

bool is_sweep(const std::vector<LoadStep>& steps) {
  std::size_t rates = 0;
  for (std::size_t i = 0; i < steps.size(); ++i)
    rates += i == 0 || steps[i].offered > steps[i - 1].offered ? 1 : 0;
  return rates >= 3;
}

std::optional<double> knee_of(const std::vector<LoadStep>& steps) {
  std::optional<double> knee;
  for (const LoadStep& step : steps) {
    if (!step.is_kept_up) break;
    knee = step.offered;
  }
  return knee;
}

std::optional<Daily> daily_capacity(const RunRecord& run, const std::vector<MeasuredPhase>& phases,
                                    const std::vector<LoadStep>& steps, double target) {
  std::optional<Rate> rate = rate_of(phases, steps);
  if (!rate) return std::nullopt;
  // A burst may spend what a quota saved up in the minute before; a day may not.
  if (const auto quota = rate_of_quota(run, phases);
      quota && *quota < rate->high.value_or(*quota + 1)) {
    if (rate->value > *quota || rate->low > *quota)
      rate->how += fmt::format(", but the quota allows {} documents/s", human_rate(*quota));
    rate->value = std::min(rate->value, *quota);
    rate->low = std::min(rate->low, *quota);
    rate->high = quota;
  }
  Daily daily;
  daily.documents = rate->value * seconds_per_day;
  daily.low = rate->low * seconds_per_day;
  if (rate->high) daily.high = *rate->high * seconds_per_day;
  daily.headroom = target > 0 ? daily.low / target : 0;
  daily.how = rate->how;
  return daily;
}

std::string range_of(const Daily& daily) {
  const auto whole = [](double documents) {
    return with_commas(static_cast<std::uint64_t>(std::max(0.0, documents)));
  };
  if (!daily.high) return "at least " + whole(daily.low);
  if (whole(*daily.high) == whole(daily.low)) return whole(daily.low);
  return whole(daily.low) + " to " + whole(*daily.high);
}

std::vector<Point> sizes_and_times(const std::vector<MeasuredPhase>& phases) {
  std::vector<Point> points;
  for (const Arrival* arrival : arrivals_of(phases)) {
    if (arrival->ending != Ending::done || !arrival->started || !arrival->accepted) continue;
    const double whole = in_seconds(*arrival->done - arrival->intended);
    const double waited = in_seconds(*arrival->started - *arrival->accepted);
    if (waited <= std::max(0.05, 0.05 * whole))
      points.push_back({static_cast<double>(arrival->bytes) / 1e6, whole});
  }
  return points;
}

std::optional<SizeFit> size_fit(const std::vector<MeasuredPhase>& phases) {
  constexpr std::size_t documents_min = 20;
  const std::vector<Point> points = sizes_and_times(phases);
  if (points.size() < documents_min) return std::nullopt;
  const auto [smallest, largest] = std::ranges::minmax_element(points, {}, &Point::x);
  if (largest->x < 2 * smallest->x) return std::nullopt;
  const auto line = fit(points);
  if (!line) return std::nullopt;
  // Every document as if it had 10 MB; its upper end counts the doubt of the slope and of the
  // level.
  std::vector<double> projected;
  projected.reserve(points.size());
  for (const Point& point : points)
    projected.push_back(point.y + line->slope_high * (10 - point.x));
  std::ranges::sort(projected);
  SizeFit result;
  result.fixed_s = line->at_zero;
  result.seconds_per_mb = line->slope;
  result.ten_mb_s = line->at(10);
  result.ten_mb_high_s = std::max(result.ten_mb_s, quantile(projected, 0.5).high.value_or(0));
  result.documents = points.size();
  return result;
}

}  // namespace penstock
