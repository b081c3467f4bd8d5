#include "reports/measured.h"

#include <algorithm>

namespace penstock {

std::vector<MeasuredPhase> measured_phases(const RunRecord& run) {
  std::vector<MeasuredPhase> phases(run.phases.size());
  for (const Arrival& arrival : run.arrivals) {
    MeasuredPhase& phase = phases[arrival.phase];
    phase.arrivals.push_back(&arrival);
    if (arrival.answered) phase.answered = std::max(phase.answered, *arrival.answered);
    for (const auto& time : {arrival.answered, arrival.accepted, arrival.done})
      if (time) phase.drained = std::max(phase.drained, *time);
    if (arrival.ending == Ending::in_flight) phase.drained = std::max(phase.drained, run.ended);
  }
  for (std::size_t i = 0; i < phases.size(); ++i) {
    phases[i].plan = &run.phases[i];
    phases[i].answered = std::max(phases[i].answered, run.phases[i].end);
    phases[i].drained = std::max(phases[i].drained, run.phases[i].end);
  }
  std::erase_if(phases, [](const MeasuredPhase& phase) {
    return phase.plan->is_warm_up || phase.arrivals.empty();
  });
  return phases;
}

ArrivalGroups groups_of(const std::vector<const Arrival*>& arrivals,
                        const std::function<std::optional<Offset>(const Arrival&)>& end) {
  ArrivalGroups groups;
  Offset last{0};
  for (const Arrival* arrival : arrivals) {
    if (groups.empty() || arrival->intended >= last) groups.emplace_back();
    groups.back().push_back(arrival);
    last = std::max({last, arrival->intended + Offset{1}, end(*arrival).value_or(Offset{0})});
  }
  return groups;
}

std::vector<const Arrival*> arrivals_of(const std::vector<MeasuredPhase>& phases) {
  std::vector<const Arrival*> arrivals;
  for (const MeasuredPhase& phase : phases)
    arrivals.insert(arrivals.end(), phase.arrivals.begin(), phase.arrivals.end());
  return arrivals;
}

std::optional<double> mean_in(const std::vector<Sample>& samples, Offset begin, Offset end,
                              const std::function<std::optional<double>(const Sample&)>& what) {
  double sum = 0;
  std::size_t count = 0;
  for (const Sample& sample : samples) {
    if (sample.at <= begin) continue;
    if (sample.at > end && count > 0) break;
    if (const std::optional<double> value = what(sample)) {
      sum += *value;
      ++count;
    }
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

}  // namespace penstock
