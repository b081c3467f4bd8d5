#include "cli/queue_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "cli/format.h"

namespace penstock {
namespace {

double per_second(std::uint64_t count, const WorkerReport& worker) {
  return static_cast<double>(count) /
         static_cast<double>(std::max<std::int64_t>(worker.up.count(), 1));
}

void print_lane(Lane lane, const LaneDepth& state) {
  fmt::print("  {:<13} {:>9} {:>9} {:>9}  {}\n", name_of(lane), with_commas(state.waiting),
             with_commas(state.leased), with_commas(state.delayed),
             state.waiting == 0 ? "" : human_time(std::chrono::duration<double>(state.oldest)));
}

Json lane_json(const LaneDepth& state) {
  return {{"waiting", state.waiting},
          {"leased", state.leased},
          {"delayed", state.delayed},
          {"oldest_seconds", std::chrono::duration<double>(state.oldest).count()}};
}

Json worker_json(const WorkerReport& worker) {
  return {{"worker", worker.worker},
          {"documents_in_flight", worker.documents_in_flight},
          {"done", worker.done},
          {"failed", worker.failed},
          {"pages", worker.pages},
          {"tokens", worker.tokens},
          {"cpu_cores", worker.cpu_cores},
          {"memory_bytes", worker.memory_bytes},
          {"up_seconds", worker.up.count()},
          {"draining", worker.draining}};
}

}  // namespace

void print_queue(const BrokerState& state, const std::vector<WorkerReport>& workers) {
  fmt::print("  {:<13} {:>9} {:>9} {:>9}  {}\n", "queue", "waiting", "in work", "delayed",
             "oldest");
  print_lane(Lane::interactive, state.interactive);
  print_lane(Lane::bulk, state.bulk);
  if (state.dead > 0)
    fmt::print(
        "  {:<13} {:>9}  penstock status --failed lists them, penstock retry --failed queues "
        "them again\n",
        "dead letters", with_commas(state.dead));
  if (workers.empty()) {
    fmt::print("\n  no worker is alive\n");
    return;
  }
  std::size_t width = 6;
  for (const WorkerReport& worker : workers) width = std::max(width, worker.worker.size());
  fmt::print("\n  {:<{}} {:>9} {:>9} {:>8} {:>10} {:>10} {:>6} {:>9}  {}\n", "worker", width,
             "in flight", "done", "failed", "pages/s", "tokens/s", "cores", "memory", "up");
  for (const WorkerReport& worker : workers)
    fmt::print(
        "  {:<{}} {:>9} {:>9} {:>8} {:>10.1f} {:>10.0f} {:>6.2f} {:>9}  {}{}\n",
        printable(worker.worker), width, worker.documents_in_flight, with_commas(worker.done),
        with_commas(worker.failed), per_second(worker.pages, worker),
        per_second(worker.tokens, worker), worker.cpu_cores, human_bytes(worker.memory_bytes),
        human_time(std::chrono::duration<double>(worker.up)), worker.draining ? ", draining" : "");
}

Json queue_json(const BrokerState& state, const std::vector<WorkerReport>& workers) {
  Json all = Json::array();
  for (const WorkerReport& worker : workers) all.push_back(worker_json(worker));
  return {
      {"lanes", {{"interactive", lane_json(state.interactive)}, {"bulk", lane_json(state.bulk)}}},
      {"dead", state.dead},
      {"workers", all}};
}

}  // namespace penstock
