#include "loadgen/gate/pairs.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <utility>

#include "engine/core/random.h"

namespace penstock {

void run_pairs(const PairPlan& plan, GateRecord& record) {
  Random random(plan.seed);
  while (record.pairs.size() < record.pairs_max) {
    plan.show();
    GatePair pair;
    pair.candidate_first = random.below(2) == 1;
    for (const bool of_candidate : {pair.candidate_first, !pair.candidate_first}) {
      std::optional<Values> values = plan.run(of_candidate);
      if (!values) return;
      (of_candidate ? pair.candidate : pair.baseline) = *std::move(values);
    }
    record.pairs.push_back(std::move(pair));
    drop_missing(record);
    if (plan.decided(record)) return;
  }
}

void drop_missing(GateRecord& record) {
  std::set<std::string> baseline_lacks;
  std::set<std::string> candidate_lacks;
  for (const GatePair& pair : record.pairs)
    for (const GateMetric& metric : record.metrics) {
      if (metric.is_exact) continue;
      if (!pair.baseline.contains(metric.name)) baseline_lacks.insert(metric.name);
      if (!pair.candidate.contains(metric.name)) candidate_lacks.insert(metric.name);
    }
  std::erase_if(record.metrics, [&](const GateMetric& metric) {
    const bool baseline = baseline_lacks.contains(metric.name);
    const bool candidate = candidate_lacks.contains(metric.name);
    if (baseline || candidate)
      record.missing.push_back(fmt::format("{}: {} does not tell it", metric.name,
                                           baseline && candidate ? "either build"
                                           : baseline            ? "the baseline"
                                                                 : "the candidate"));
    return baseline || candidate;
  });
}

}  // namespace penstock
