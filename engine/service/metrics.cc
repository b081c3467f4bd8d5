#include "engine/service/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <sstream>
#include <utility>

namespace penstock {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;
using Labels = prometheus::Labels;

// Each family's buckets have its alert's threshold as a bound, so that no interpolation decides.
const Buckets start_buckets = {0.1, 0.5, 1, 2, 5, 8, 10, 12, 15, 20, 30, 60, 300, 1'800};
const Buckets document_buckets = {0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 1'800, 7'200};
const Buckets stage_buckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                               1,     2.5,  5,     10,   30,  60,   300};
const Buckets request_buckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30};

constexpr std::array all_stages_of_documents = {DocumentStage::extract, DocumentStage::embed,
                                                DocumentStage::store};
constexpr std::array all_rejections = {Rejection::rate, Rejection::depth, Rejection::age,
                                       Rejection::auth, Rejection::size};

std::string name_of(DocumentStage stage) {
  constexpr std::array names = {"extract", "embed", "store"};
  return names[static_cast<std::size_t>(stage)];
}

std::string name_of(Rejection reason) {
  constexpr std::array names = {"rate", "depth", "age", "auth", "size"};
  return names[static_cast<std::size_t>(reason)];
}

double seconds(Duration duration) {
  return std::max(0.0, std::chrono::duration<double>(duration).count());
}

// Prometheus refuses a whole scrape for one label that is no UTF-8.
std::string label_of(const std::string& value) {
  if (simdjson::validate_utf8(value)) return value;
  std::string ascii = value;
  std::ranges::replace_if(
      ascii, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return ascii;
}

std::string method_label(std::string_view method) {
  constexpr std::array<std::string_view, 7> usual = {"GET",    "HEAD",  "POST",   "PUT",
                                                     "DELETE", "PATCH", "OPTIONS"};
  return std::string(std::ranges::find(usual, method) != usual.end() ? method : "other");
}

class FamilyList {
 public:
  // A series of the family, which is begun by its first one.
  void gauge(const char* name, const char* help, const Labels& labels, double value) {
    add(prometheus::MetricType::Gauge, name, help, labels).gauge.value = value;
  }
  void counter(const char* name, const char* help, const Labels& labels, std::uint64_t value) {
    add(prometheus::MetricType::Counter, name, help, labels).counter.value =
        static_cast<double>(value);
  }

  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  prometheus::ClientMetric& add(prometheus::MetricType type, const char* name, const char* help,
                                const Labels& labels) {
    auto family = std::ranges::find(families_, name, &prometheus::MetricFamily::name);
    if (family == families_.end())
      family = families_.insert(families_.end(), {name, help, type, {}});
    prometheus::ClientMetric& series = family->metric.emplace_back();
    for (const auto& [label, value] : labels) series.label.push_back({label, value});
    return series;
  }

  std::vector<prometheus::MetricFamily> families_;
};

void add_queue(FamilyList& list, const BrokerState& queue) {
  for (const Lane lane : all_lanes) {
    const LaneDepth& depth = queue.of(lane);
    const std::string name(name_of(lane));
    for (const auto& [state, documents] : {std::pair{"waiting", depth.waiting},
                                           {"leased", depth.leased},
                                           {"delayed", depth.delayed}})
      list.gauge("penstock_queue_documents",
                 "Documents that wait, are leased to a worker, or are to be tried again later",
                 {{"lane", name}, {"state", state}}, static_cast<double>(documents));
    list.gauge("penstock_queue_oldest_seconds",
               "How long the document that waits longest has waited", {{"lane", name}},
               seconds(depth.oldest));
  }
  list.gauge("penstock_dead_letters", "Documents that no worker tries again, until a person does",
             {}, static_cast<double>(queue.dead));
}

void add_workers(FamilyList& list, const std::vector<WorkerReport>& workers) {
  list.gauge("penstock_workers", "Workers that gave a sign within the lease", {},
             static_cast<double>(workers.size()));
  for (const WorkerReport& worker : workers) {
    const std::string name = label_of(worker.worker);
    const Labels labels = {{"worker", name}};
    list.gauge("penstock_worker_cpu_cores", "Cores in use, with those of extraction processes",
               labels, worker.cpu_cores);
    list.gauge("penstock_worker_memory_bytes", "Resident, with that of extraction processes",
               labels, static_cast<double>(worker.memory_bytes));
    list.gauge("penstock_worker_documents_in_flight", "Documents in work", labels,
               static_cast<double>(worker.documents_in_flight));
    for (const auto& [result, documents] :
         {std::pair{"done", worker.done}, {"failed", worker.failed}})
      list.counter("penstock_worker_documents_total", "Documents that had an outcome",
                   {{"worker", name}, {"result", result}}, documents);
    list.counter("penstock_worker_pages_total", "Pages of documents that had an outcome", labels,
                 worker.pages);
    list.counter("penstock_worker_tokens_total", "Tokens of documents that had an outcome", labels,
                 worker.tokens);
    list.counter("penstock_worker_vectors_total", "Vectors written to the store", labels,
                 worker.vectors);
    list.gauge("penstock_worker_up_seconds", "Since it started", labels, seconds(worker.up));
    list.gauge("penstock_worker_draining", "1 while it takes no more documents", labels,
               worker.draining ? 1 : 0);
  }
}

void add_quota(FamilyList& list, const BudgetUse& quota) {
  const std::vector<KeyQuota>& named = quota.terms.keys;
  for (std::size_t i = 0; i < quota.keys.size(); ++i) {
    const KeyUse& use = quota.keys[i];
    // A quota that no fleet shares has no terms.
    const std::string key = i < named.size() ? named[i].name : std::to_string(i + 1);
    const Labels labels = {{"endpoint", label_of(quota.terms.endpoint)}, {"key", label_of(key)}};
    list.gauge("penstock_quota_requests_limit", "Requests a minute, as now in force", labels,
               static_cast<double>(use.requests_per_minute));
    list.gauge("penstock_quota_requests_used", "Requests that count against the minute now", labels,
               static_cast<double>(use.requests));
    list.gauge("penstock_quota_tokens_limit", "Tokens a minute, as now in force", labels,
               static_cast<double>(use.tokens_per_minute));
    list.gauge("penstock_quota_tokens_used", "Tokens that count against the minute now", labels,
               static_cast<double>(use.tokens));
    list.gauge("penstock_quota_paused_seconds", "How long the provider asked to send nothing",
               labels, seconds(use.paused_for));
  }
}

void add_catalog(FamilyList& list, const CatalogTotals& catalog) {
  list.gauge("penstock_catalog_documents", "Documents that were uploaded and not removed", {},
             static_cast<double>(catalog.documents));
  list.gauge("penstock_catalog_bytes", "Their size", {}, static_cast<double>(catalog.bytes));
  list.gauge("penstock_catalog_unqueued_documents", "Uploads and removals that are not queued yet",
             {}, static_cast<double>(catalog.unqueued));
}

std::vector<prometheus::MetricFamily> families_of(const FleetSample& sample) {
  FamilyList list;
  if (sample.queue) add_queue(list, *sample.queue);
  if (sample.workers) add_workers(list, *sample.workers);
  for (const BudgetUse& quota : sample.quotas) add_quota(list, quota);
  if (sample.catalog) add_catalog(list, *sample.catalog);
  return list.take();
}

template <typename Builder>
auto& family(Builder builder, prometheus::Registry& registry, const char* name, const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

// Constant after construction, and safe for any thread in itself, but for what is said.
struct Metrics::Series {
  using Counter = prometheus::Counter;
  using Gauge = prometheus::Gauge;
  using Histogram = prometheus::Histogram;

  Counter& counter(const char* name, const char* help, const Labels& labels = {}) {
    return family(prometheus::BuildCounter(), registry, name, help).Add(labels);
  }
  Gauge& gauge(const char* name, const char* help, const Labels& labels = {}) {
    return family(prometheus::BuildGauge(), registry, name, help).Add(labels);
  }
  Histogram& histogram(const char* name, const char* help, const Labels& labels,
                       const Buckets& buckets) {
    return family(prometheus::BuildHistogram(), registry, name, help).Add(labels, buckets);
  }

  prometheus::Registry registry;

  std::array<std::array<Counter*, all_outcomes.size()>, all_lanes.size()> documents{};
  std::array<Histogram*, all_lanes.size()> start_delay{};
  std::array<Histogram*, all_lanes.size()> document_time{};
  std::array<Counter*, all_lanes.size()> late_starts{};
  std::array<Histogram*, all_stages_of_documents.size()> stages{};
  std::array<Counter*, all_rejections.size()> rejections{};
  Counter& upload_bytes = counter("penstock_upload_bytes_total", "Bytes of uploads received");
  Gauge& connections = gauge("penstock_http_connections", "Open connections");
  Gauge& busy =
      gauge("penstock_database_connections", "Of the pool to the database", {{"state", "busy"}});
  Gauge& idle =
      gauge("penstock_database_connections", "Of the pool to the database", {{"state", "idle"}});
  prometheus::Family<Counter>& requests =
      family(prometheus::BuildCounter(), registry, "penstock_http_requests_total",
             "Requests that were answered");
  prometheus::Family<Histogram>& request_times =
      family(prometheus::BuildHistogram(), registry, "penstock_http_request_seconds",
             "From a request's first byte until its answer was written");

  mutable std::mutex mutex;
  FleetSample sample;  // guarded by mutex
};

Metrics::Metrics() : series_(std::make_unique<Series>()) {
  Series& all = *series_;
  for (const Lane lane : all_lanes) {
    const std::size_t i = index_of(lane);
    const std::string name(name_of(lane));
    for (const Outcome outcome : all_outcomes)
      if (outcome != Outcome::pending)
        all.documents[i][static_cast<std::size_t>(outcome)] =
            &all.counter("penstock_documents_total", "Documents that had an outcome",
                         {{"lane", name}, {"outcome", std::string(name_of(outcome))}});
    all.start_delay[i] =
        &all.histogram("penstock_start_delay_seconds", "From a document's acceptance to its start",
                       {{"lane", name}}, start_buckets);
    all.document_time[i] =
        &all.histogram("penstock_document_seconds", "From a document's receipt to its outcome",
                       {{"lane", name}}, document_buckets);
    all.late_starts[i] =
        &all.counter("penstock_late_starts_total",
                     "Documents started later than 10 s after acceptance", {{"lane", name}});
  }
  for (const DocumentStage stage : all_stages_of_documents)
    all.stages[static_cast<std::size_t>(stage)] =
        &all.histogram("penstock_stage_seconds", "What a stage took of a document's time",
                       {{"stage", name_of(stage)}}, stage_buckets);
  for (const Rejection reason : all_rejections)
    all.rejections[static_cast<std::size_t>(reason)] = &all.counter(
        "penstock_rejected_total", "Requests that were turned away", {{"reason", name_of(reason)}});
}

Metrics::~Metrics() = default;

void Metrics::observe(FleetSample sample) {
  const std::lock_guard lock(series_->mutex);
  series_->sample = std::move(sample);
}

void Metrics::document_started(Lane lane, Duration after) {
  series_->start_delay[index_of(lane)]->Observe(seconds(after));
  if (after > start_promise) series_->late_starts[index_of(lane)]->Increment();
}

void Metrics::document_ended(Lane lane, Outcome outcome, std::optional<Duration> after) {
  if (outcome == Outcome::pending) return;
  series_->documents[index_of(lane)][static_cast<std::size_t>(outcome)]->Increment();
  if (after) series_->document_time[index_of(lane)]->Observe(seconds(*after));
}

void Metrics::stage_took(DocumentStage stage, Duration took) {
  series_->stages[static_cast<std::size_t>(stage)]->Observe(seconds(took));
}

void Metrics::http_answered(std::string_view method, std::string_view route, int code,
                            Duration took) {
  const std::string name(route);
  series_->requests
      .Add({{"method", method_label(method)}, {"route", name}, {"code", std::to_string(code)}})
      .Increment();
  series_->request_times.Add({{"route", name}}, request_buckets).Observe(seconds(took));
}

void Metrics::http_connections(std::size_t open) {
  series_->connections.Set(static_cast<double>(open));
}

void Metrics::uploaded(std::uint64_t bytes) {
  series_->upload_bytes.Increment(static_cast<double>(bytes));
}

void Metrics::rejected(Rejection reason) {
  series_->rejections[static_cast<std::size_t>(reason)]->Increment();
}

void Metrics::database_connections(std::size_t busy, std::size_t idle) {
  series_->busy.Set(static_cast<double>(busy));
  series_->idle.Set(static_cast<double>(idle));
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families = series_->registry.Collect();
  {
    const std::lock_guard lock(series_->mutex);
    std::ranges::move(families_of(series_->sample), std::back_inserter(families));
  }
  // The registry's order is that of a hash. A series that came twice (workers that do not agree on
  // the quota's terms) would spoil the whole scrape.
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  for (prometheus::MetricFamily& each : families) {
    std::ranges::stable_sort(each.metric, std::less<>{}, &prometheus::ClientMetric::label);
    each.metric.erase(std::unique(each.metric.begin(), each.metric.end(),
                                  [](const auto& a, const auto& b) { return a.label == b.label; }),
                      each.metric.end());
  }
  std::erase_if(families, [](const prometheus::MetricFamily& each) { return each.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace penstock
