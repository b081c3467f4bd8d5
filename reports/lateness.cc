#include "reports/lateness.h"

#include <algorithm>

#include "reports/measured.h"

namespace penstock {
namespace {

// Of all that was done with it.
Offset end_of(const Arrival& arrival, Offset run_ended) {
  switch (arrival.ending) {
    case Ending::done:
    case Ending::failed:
      return std::max(arrival.done.value_or(run_ended), arrival.answered.value_or(Offset{0}));
    case Ending::refused:
      return arrival.answered.value_or(run_ended);
    case Ending::dropped:
      return arrival.intended;
    case Ending::broken:
    case Ending::in_flight:
    case Ending::lost:
      break;
  }
  return run_ended;
}

}  // namespace

Lateness::Lateness(const RunRecord& run) : run_(run), busy_of_(run.arrivals.size()) {
  Offset last{0};
  for (const Arrival& arrival : run.arrivals) {
    if (busy_.empty() || arrival.intended >= last) busy_.push_back({arrival.intended, 0});
    Busy& busy = busy_.back();
    // For a connection it waits because the system has not answered others.
    if (arrival.issued && !run.connections_wait)
      busy.issue_delay_s =
          std::max(busy.issue_delay_s, in_seconds(*arrival.issued - arrival.intended));
    last = std::max({last, arrival.intended + Offset{1}, end_of(arrival, run.ended)});
    busy_of_[arrival.number] = busy_.size() - 1;
  }
  double lost_s = 0;
  Offset before{0};
  for (const Sample& sample : run.samples) {
    const double stolen_s = sample.steal * run.environment.cores * in_seconds(sample.at - before);
    lost_s += stolen_s + in_seconds(std::max(sample.timers_late, sample.timer_lag));
    lost_s_.push_back(lost_s);
    before = sample.at;
  }
}

double Lateness::of(const Arrival& arrival, Offset end) const {
  const Busy& busy = busy_[busy_of_[arrival.number]];
  return busy.issue_delay_s + lost_until(end, true) - lost_until(busy.begin, false);
}

double Lateness::lost_until(Offset moment, bool whole) const {
  const auto after = std::ranges::upper_bound(run_.samples, moment, {}, &Sample::at);
  auto count = static_cast<std::size_t>(after - run_.samples.begin());
  if (whole) count = std::min(count + 1, lost_s_.size());
  return count == 0 ? 0 : lost_s_[count - 1];
}

}  // namespace penstock
