#include "engine/service/watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/service/document_view.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds interval{1};

// What cannot be seen is as it was, and absent in the sample.
Sight look_at(const ServiceParts& parts, Sight sight, FleetSample& sample) {
  sight.failure.clear();
  const Result<BrokerState> queue = parts.broker.state();
  if (queue) {
    sight.queue = *queue;
    sample.queue = *queue;
  } else {
    sight.failure = queue.error().message;
  }
  Result<std::vector<WorkerReport>> workers = parts.broker.workers();
  if (workers) {
    std::ranges::sort(*workers, {}, &WorkerReport::worker);
    sight.workers = *workers;
    sight.rates = sum_of_rates(*workers);
    sight.quotas = parts.quotas(*workers);
    sample.workers = *std::move(workers);
    sample.quotas = sight.quotas;
  } else {
    sight.failure = workers.error().message;
  }
  const Result<CatalogTotals> catalog = parts.catalog.totals({});
  if (catalog) {
    sight.catalog = *catalog;
    sample.catalog = *catalog;
  } else {
    sight.failure = catalog.error().message;
  }
  return sight;
}

Json json_of(const LaneDepth& depth) {
  return {{"waiting", depth.waiting},
          {"leased", depth.leased},
          {"delayed", depth.delayed},
          {"oldest_s", std::chrono::duration<double>(depth.oldest).count()}};
}

Json json_of(const WorkerReport& worker) {
  return {{"name", worker.worker},
          {"documents_in_flight", worker.documents_in_flight},
          {"done", worker.done},
          {"failed", worker.failed},
          {"cpu_cores", worker.cpu_cores},
          {"memory_bytes", worker.memory_bytes},
          {"up_s", worker.up.count()},
          {"draining", worker.draining},
          {"documents_per_second", worker.rates.documents}};
}

Json json_of(const BudgetUse& quota) {
  Json keys = Json::array();
  for (std::size_t i = 0; i < quota.keys.size(); ++i) {
    const KeyUse& use = quota.keys[i];
    keys.push_back({{"key", std::to_string(i + 1)},
                    {"requests_per_minute", use.requests_per_minute},
                    {"requests_used", use.requests},
                    {"tokens_per_minute", use.tokens_per_minute},
                    {"tokens_used", use.tokens},
                    {"paused_s", std::chrono::duration<double>(use.paused_for).count()}});
  }
  return {{"endpoint", quota.terms.endpoint}, {"keys", std::move(keys)}};
}

template <typename Values>
Json array_of(const Values& values) {
  Json array = Json::array();
  for (const auto& value : values) array.push_back(json_of(value));
  return array;
}

Json stages_json(const std::vector<StageLatency>& latencies) {
  Json array = Json::array();
  for (const StageLatency& latency : latencies)
    array.push_back({{"name", latency.name},
                     {"p50_ms", latency.p50.count()},
                     {"p95_ms", latency.p95.count()},
                     {"documents", latency.documents}});
  return array;
}

Json alerts_json(const std::vector<Alert>& alerts) {
  Json array = Json::array();
  for (const Alert& alert : alerts)
    array.push_back({{"name", alert.name},
                     {"severity", alert.is_critical ? "critical" : "warning"},
                     {"text", alert.text},
                     {"since", text_of(alert.since)}});
  return array;
}

}  // namespace

Watch::Watch(const ServiceParts& parts) : parts_(parts), sight_(std::make_shared<Sight>()) {
  look();
  thread_ = std::thread([this] { look_until_stopped(); });
}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

std::shared_ptr<const Sight> Watch::sight() const {
  const std::lock_guard lock(mutex_);
  return sight_;
}

std::vector<Alert> Watch::alerts() const {
  const std::lock_guard lock(mutex_);
  return alerts_.on();
}

void Watch::look() {
  const std::shared_ptr<const Sight> before = sight();
  FleetSample sample;
  Sight seen = look_at(parts_, *before, sample);
  parts_.admission.see(seen.queue, seen.catalog.unqueued, seen.rates.documents);
  parts_.metrics.observe(std::move(sample));
  parts_.sample(parts_.metrics);
  // What goes on failing is said once.
  if (!seen.failure.empty() && seen.failure != before->failure) parts_.log(seen.failure);
  const std::lock_guard lock(mutex_);
  alerts_.see(seen.queue, seen.workers, seen.rates, wall_now());
  sight_ = std::make_shared<const Sight>(std::move(seen));
}

void Watch::look_until_stopped() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stop_.wait_for(lock, interval, [this] { return stopping_; })) return;
    }
    look();
  }
}

void answer_overview(const ServiceParts& parts, const Watch& watch, WallTime started,
                     std::string_view version, const Call& call) {
  const std::shared_ptr<const Sight> sight = watch.sight();
  call.answer(
      200, {{"version", version},
            {"started_at", text_of(started)},
            {"now", text_of(wall_now())},
            {"queue",
             {{"interactive", json_of(sight->queue.interactive)},
              {"bulk", json_of(sight->queue.bulk)},
              {"dead", sight->queue.dead}}},
            {"rates",
             {{"documents", sight->rates.documents},
              {"failed", sight->rates.failed},
              {"pages", sight->rates.pages},
              {"tokens", sight->rates.tokens}}},
            {"workers", array_of(sight->workers)},
            {"quotas", array_of(sight->quotas)},
            {"stages", stages_json(parts.tracker.latencies())},
            {"documents", {{"total", sight->catalog.documents}, {"bytes", sight->catalog.bytes}}},
            {"alerts", alerts_json(watch.alerts())}});
}

}  // namespace penstock
