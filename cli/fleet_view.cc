#include "cli/fleet_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "reports/format.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

// What a line takes besides the name that it begins with.
constexpr std::size_t worker_columns = 62;
constexpr std::size_t key_columns = 65;

double share(std::uint64_t used, std::uint64_t limit) {
  return limit == 0 ? 0 : static_cast<double>(used) / static_cast<double>(limit);
}

// How wide names may be, so that whole lines fit.
std::size_t name_width(std::size_t longest, std::size_t other_columns,
                       std::optional<std::size_t> columns) {
  const std::size_t width = std::max<std::size_t>(longest, 12);
  return columns ? std::min(width, std::max<std::size_t>(*columns, 80) - other_columns) : width;
}

// The end of a worker's name tells it from the others of its machine.
std::string elided(const std::string& name, std::size_t width) {
  if (name.size() <= width) return printable(name);
  const std::size_t head = (width - 1) / 3;
  const std::size_t tail = width - 1 - head;
  return printable(name.substr(0, head) + "…" + name.substr(name.size() - tail));
}

// Empty: nothing failed.
std::string failed_share(const WorkerRates& rates) {
  if (rates.failed == 0) return {};
  const double percent = 100 * rates.failed / rates.documents;
  return percent < 0.1 ? "<0.1%" : fmt::format("{:.1f}%", percent);
}

std::string lane_text(Lane lane, const LaneDepth& depth) {
  return fmt::format("  {:<13} {:>11} {:>9} {:>9}{}\n", name_of(lane), with_commas(depth.waiting),
                     with_commas(depth.leased), with_commas(depth.delayed),
                     depth.waiting == 0 ? "" : "  " + human_time(Seconds(depth.oldest)));
}

std::string queue_text(const BrokerState& queue) {
  std::string text = fmt::format("  {:<13} {:>11} {:>9} {:>9}  {}\n", "queue", "waiting", "in work",
                                 "delayed", "oldest");
  for (const Lane lane : all_lanes) text += lane_text(lane, queue.of(lane));
  if (queue.dead > 0)
    text += fmt::format("  {:<13} {:>11}  status --failed lists them, retry --failed revives\n",
                        "dead letters", with_commas(queue.dead));
  return text;
}

std::string rates_text(const FleetState& fleet) {
  const WorkerRates rates = sum_of_rates(fleet.workers);
  std::string text = fmt::format(
      "  {}: {} documents/s, {} pages/s, {} tokens/s", counted(fleet.workers.size(), "worker"),
      human_rate(rates.documents), human_rate(rates.pages), human_rate(rates.tokens));
  if (rates.failed > 0) text += ", " + failed_share(rates) + " failed";
  text += '\n';
  const std::uint64_t waiting = fleet.queue.interactive.waiting + fleet.queue.bulk.waiting;
  if (waiting > 0 && rates.documents > 0)
    text += fmt::format("  What waits takes {} at this rate of the last minute\n",
                        human_time(Seconds(static_cast<double>(waiting) / rates.documents)));
  return text;
}

std::string limit_text(std::uint64_t used, std::uint64_t limit) {
  return fmt::format("{:>9} of {:<7} {:>4.0f}%", human_tokens(used), human_tokens(limit),
                     100 * share(used, limit));
}

std::string quota_text(const BudgetUse& quota, std::optional<std::size_t> columns) {
  std::size_t longest = 0;
  for (const KeyQuota& key : quota.terms.keys) longest = std::max(longest, key.name.size());
  const std::size_t width = name_width(longest, key_columns, columns);
  std::string text = fmt::format("  {:<{}} {:>26}  {:>26}\n", "quota", width, "requests a minute",
                                 "tokens a minute");
  for (std::size_t i = 0; i < quota.keys.size(); ++i) {
    const KeyUse& use = quota.keys[i];
    text += fmt::format("  {:<{}} {}  {}{}\n", elided(quota.terms.keys[i].name, width), width,
                        limit_text(use.requests, use.requests_per_minute),
                        limit_text(use.tokens, use.tokens_per_minute),
                        use.paused_for > Duration{0} ? "  paused" : "");
  }
  text += "  of " + printable(quota.terms.endpoint);
  if (quota.terms.interactive_share > 0)
    text +=
        fmt::format("; {:.0f}% is kept for interactive work", 100 * quota.terms.interactive_share);
  return text + '\n';
}

std::string workers_text(const std::vector<WorkerReport>& workers,
                         std::optional<std::size_t> columns) {
  std::size_t longest = 0;
  for (const WorkerReport& worker : workers) longest = std::max(longest, worker.worker.size());
  const std::size_t width = name_width(longest, worker_columns, columns);
  std::string text =
      fmt::format("  {:<{}} {:>7} {:>7} {:>8} {:>7} {:>6} {:>9}  {}\n", "worker", width, "in work",
                  "docs/s", "pages/s", "failed", "cores", "memory", "up");
  for (const WorkerReport& worker : workers)
    text +=
        fmt::format("  {:<{}} {:>7} {:>7} {:>8} {:>7} {:>6.2f} {:>9}  {}\n",
                    elided(worker.worker, width), width, worker.documents_in_flight,
                    human_rate(worker.rates.documents), human_rate(worker.rates.pages),
                    failed_share(worker.rates), worker.cpu_cores, human_bytes(worker.memory_bytes),
                    worker.draining ? "draining" : human_time(Seconds(worker.up)));
  return text;
}

Json lane_json(const LaneDepth& depth) {
  return {{"waiting", depth.waiting},
          {"leased", depth.leased},
          {"delayed", depth.delayed},
          {"oldest_seconds", Seconds(depth.oldest).count()}};
}

Json rates_json(const WorkerRates& rates) {
  return {{"documents_per_second", rates.documents},
          {"failed_per_second", rates.failed},
          {"pages_per_second", rates.pages},
          {"tokens_per_second", rates.tokens}};
}

Json worker_json(const WorkerReport& worker) {
  return {{"worker", worker.worker},
          {"documents_in_flight", worker.documents_in_flight},
          {"done", worker.done},
          {"failed", worker.failed},
          {"pages", worker.pages},
          {"tokens", worker.tokens},
          {"rates", rates_json(worker.rates)},
          {"cpu_cores", worker.cpu_cores},
          {"memory_bytes", worker.memory_bytes},
          {"up_seconds", worker.up.count()},
          {"draining", worker.draining}};
}

Json quota_json(const BudgetUse& quota) {
  Json keys = Json::array();
  for (std::size_t i = 0; i < quota.keys.size(); ++i) {
    const KeyUse& use = quota.keys[i];
    keys.push_back({{"name", quota.terms.keys[i].name},
                    {"requests_per_minute", use.requests_per_minute},
                    {"tokens_per_minute", use.tokens_per_minute},
                    {"requests", use.requests},
                    {"tokens", use.tokens},
                    {"requests_used", share(use.requests, use.requests_per_minute)},
                    {"tokens_used", share(use.tokens, use.tokens_per_minute)},
                    {"paused_s", Seconds(use.paused_for).count()}});
  }
  return {{"endpoint", quota.terms.endpoint},
          {"interactive_share", quota.terms.interactive_share},
          {"keys", keys}};
}

}  // namespace

std::string fleet_text(const FleetState& fleet, std::optional<std::size_t> columns) {
  std::string text = queue_text(fleet.queue) + '\n';
  if (fleet.workers.empty()) return text + "  no worker is alive\n";
  text += rates_text(fleet) + '\n';
  for (const BudgetUse& quota : fleet.quotas) text += quota_text(quota, columns) + '\n';
  return text + workers_text(fleet.workers, columns);
}

Json fleet_json(const FleetState& fleet) {
  Json lanes;
  for (const Lane lane : all_lanes)
    lanes[std::string(name_of(lane))] = lane_json(fleet.queue.of(lane));
  Json workers = Json::array();
  for (const WorkerReport& worker : fleet.workers) workers.push_back(worker_json(worker));
  Json quotas = Json::array();
  for (const BudgetUse& quota : fleet.quotas) quotas.push_back(quota_json(quota));
  return {{"lanes", lanes},
          {"dead", fleet.queue.dead},
          {"rates", rates_json(sum_of_rates(fleet.workers))},
          {"workers", workers},
          {"quotas", quotas}};
}

}  // namespace penstock
