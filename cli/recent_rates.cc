#include "cli/recent_rates.h"

namespace penstock {

WorkerRates RecentRates::add(TimePoint now, const WorkerReport& sums) {
  samples_.push_back({now, sums.done + sums.failed, sums.failed, sums.pages, sums.tokens});
  while (samples_[1].at <= now - window) samples_.pop_front();
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  if (seconds <= 0) return {};
  const auto rate = [&](std::uint64_t Sample::*sum) {
    return static_cast<double>(last.*sum - first.*sum) / seconds;
  };
  return {rate(&Sample::documents), rate(&Sample::failed), rate(&Sample::pages),
          rate(&Sample::tokens)};
}

}  // namespace penstock
