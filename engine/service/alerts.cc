#include "engine/service/alerts.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

// As the service's users were promised.
constexpr std::uint64_t depth_max = 1'000;
constexpr std::chrono::seconds start_within{10};
constexpr double failed_share_max = 0.05;
constexpr double documents_a_second_min = 0.05;  // of fewer, one failure says nothing

}  // namespace

void Alerts::see(const BrokerState& queue, const std::vector<WorkerReport>& workers,
                 const WorkerRates& rates, WallTime now) {
  std::vector<Alert> on;
  const auto add = [&](std::string_view name, bool is_critical, std::string text) {
    const auto before = std::ranges::find(on_, name, &Alert::name);
    on.push_back({name, is_critical, std::move(text), before == on_.end() ? now : before->since});
  };
  std::uint64_t depth = 0;
  std::uint64_t leased = 0;
  for (const Lane lane : all_lanes) {
    depth += queue.of(lane).waiting + queue.of(lane).delayed;
    leased += queue.of(lane).leased;
  }
  if (depth > depth_max) add("queue-depth", false, std::to_string(depth) + " documents wait");
  const auto oldest = std::chrono::duration_cast<std::chrono::seconds>(queue.interactive.oldest);
  if (oldest > start_within)
    add("late-start", true,
        "a document that somebody waits for has waited for " + std::to_string(oldest.count()) +
            " s");
  if (workers.empty() && depth + leased > 0)
    add("no-workers", true, "documents wait, and no worker is alive");
  if (rates.documents > documents_a_second_min && rates.failed > failed_share_max * rates.documents)
    add("failures", false,
        std::to_string(static_cast<int>(100 * rates.failed / rates.documents)) +
            "% of the last minute's documents failed");
  if (queue.dead > 0)
    add("dead-letters", false,
        std::to_string(queue.dead) + (queue.dead == 1 ? " document waits" : " documents wait") +
            " for a person");
  on_ = std::move(on);
}

}  // namespace penstock
