#include "loadgen/store_use.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace penstock {
namespace {

using Stretch = std::pair<Offset, Offset>;

// In order, and none touches another.
std::vector<Stretch> busy_stretches(const std::vector<Arrival>& arrivals) {
  std::vector<Stretch> all;
  for (const Arrival& arrival : arrivals)
    if (arrival.embedded && arrival.stored && *arrival.stored > *arrival.embedded)
      all.emplace_back(*arrival.embedded, *arrival.stored);
  std::ranges::sort(all);
  std::vector<Stretch> merged;
  for (const Stretch& stretch : all) {
    if (merged.empty() || merged.back().second < stretch.first)
      merged.push_back(stretch);
    else
      merged.back().second = std::max(merged.back().second, stretch.second);
  }
  return merged;
}

}  // namespace

void add_store_use(RunRecord& run) {
  const std::vector<Stretch> stretches = busy_stretches(run.arrivals);
  auto from = stretches.begin();
  for (std::size_t i = 1; i < run.samples.size(); ++i) {
    const Offset begin = run.samples[i - 1].at;
    const Offset end = run.samples[i].at;
    while (from != stretches.end() && from->second <= begin) ++from;
    Offset busy{0};
    for (auto at = from; at != stretches.end() && at->first < end; ++at)
      busy += std::min(end, at->second) - std::max(begin, at->first);
    if (end > begin)
      run.samples[i].store_busy =
          static_cast<double>(busy.count()) / static_cast<double>((end - begin).count());
  }
}

}  // namespace penstock
