#include "engine/service/metrics.h"

#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

WorkerReport worker(const std::string& name) {
  WorkerReport report;
  report.worker = name;
  report.documents_in_flight = 50;
  report.done = 1'000;
  report.failed = 2;
  report.pages = 30'000;
  report.tokens = 15'000'000;
  report.vectors = 31'000;
  report.cpu_cores = 1.5;
  report.memory_bytes = 812'300'000;
  report.up = 2h;
  return report;
}

FleetSample fleet() {
  FleetSample sample;
  sample.queue.emplace();
  sample.queue->interactive = {3, 12, 1, 420ms};
  sample.queue->bulk = {184'201, 388, 17, 1h};
  sample.queue->dead = 4;
  sample.workers = {worker("ada-1"), worker("ada-2")};
  sample.workers->back().draining = true;
  sample.quotas = {{{"https://api.openai.com/v1", {{"main", 3'000, 90'000}}, 0.1},
                    {{3'000, 80'000, 2'411, 79'120, 12s}}}};
  sample.catalog = CatalogTotals{250, 5'000'000'000, 7};
  return sample;
}

// The lines that hold this, without the families' heads.
std::string lines_with(const std::string& text, const std::string& part) {
  std::istringstream in(text);
  std::string found;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with('#') && line.find(part) != std::string::npos) found += line + "\n";
  return found;
}

// What the rules and the dashboard of deploy/ are held against, too.
TEST_CASE("metrics: the whole text") {
  Metrics metrics;
  metrics.observe(fleet());
  metrics.document_started(Lane::interactive, 2s);
  metrics.document_started(Lane::interactive, 10s);
  metrics.document_started(Lane::bulk, 10'001ms);
  metrics.document_ended(Lane::interactive, Outcome::done, 4s);
  metrics.document_ended(Lane::bulk, Outcome::encrypted, 1h);
  metrics.stage_took(DocumentStage::extract, 250ms);
  metrics.stage_took(DocumentStage::embed, 1s);
  metrics.stage_took(DocumentStage::store, 2ms);
  metrics.http_answered("POST", "/v1/documents", 202, 125ms);
  metrics.http_answered("GET", "/v1/documents/{id}", 404, 1ms);
  metrics.http_connections(9);
  metrics.uploaded(1'048'576);
  metrics.rejected(Rejection::depth);
  metrics.database_connections(3, 1);

  std::ifstream file(PENSTOCK_TEST_DATA "/metrics.prom");
  std::stringstream expected;
  expected << file.rdbuf();
  CHECK(metrics.text() == expected.str());
}

TEST_CASE("metrics: what has not happened is there at zero") {
  const std::string text = Metrics().text();
  CHECK(lines_with(text, "penstock_late_starts_total") ==
        "penstock_late_starts_total{lane=\"bulk\"} 0\n"
        "penstock_late_starts_total{lane=\"interactive\"} 0\n");
  CHECK(lines_with(text, "outcome=\"crashed\"") ==
        "penstock_documents_total{lane=\"bulk\",outcome=\"crashed\"} 0\n"
        "penstock_documents_total{lane=\"interactive\",outcome=\"crashed\"} 0\n");
  CHECK(lines_with(text, "penstock_rejected_total") ==
        "penstock_rejected_total{reason=\"age\"} 0\n"
        "penstock_rejected_total{reason=\"auth\"} 0\n"
        "penstock_rejected_total{reason=\"depth\"} 0\n"
        "penstock_rejected_total{reason=\"rate\"} 0\n"
        "penstock_rejected_total{reason=\"size\"} 0\n");
}

TEST_CASE("metrics: a start is late only after the promise") {
  Metrics metrics;
  metrics.document_started(Lane::bulk, start_promise);
  CHECK(lines_with(metrics.text(), "late_starts_total{lane=\"bulk\"}") ==
        "penstock_late_starts_total{lane=\"bulk\"} 0\n");
  metrics.document_started(Lane::bulk, start_promise + 1ms);
  const std::string text = metrics.text();
  CHECK(lines_with(text, "late_starts_total{lane=\"bulk\"}") ==
        "penstock_late_starts_total{lane=\"bulk\"} 1\n");
  CHECK(lines_with(text, "start_delay_seconds_bucket{lane=\"bulk\",le=\"10\"}") ==
        "penstock_start_delay_seconds_bucket{lane=\"bulk\",le=\"10\"} 1\n");
}

TEST_CASE("metrics: a worker that vanished is not in the text") {
  Metrics metrics;
  FleetSample sample = fleet();
  metrics.observe(sample);
  CHECK(!lines_with(metrics.text(), "worker=\"ada-1\"").empty());
  sample.workers->erase(sample.workers->begin());
  metrics.observe(sample);
  std::string text = metrics.text();
  CHECK(lines_with(text, "worker=\"ada-1\"").empty());
  CHECK(!lines_with(text, "worker=\"ada-2\"").empty());
  CHECK(lines_with(text, "penstock_workers ") == "penstock_workers 1\n");

  sample.workers->clear();
  metrics.observe(sample);
  text = metrics.text();
  CHECK(lines_with(text, "penstock_workers ") == "penstock_workers 0\n");
  CHECK(text.find("penstock_worker_") == std::string::npos);
}

TEST_CASE("metrics: nothing is said of what could not be asked") {
  Metrics metrics;
  metrics.observe(fleet());
  metrics.observe({});
  const std::string text = metrics.text();
  for (const char* part : {"penstock_queue_", "penstock_dead_", "penstock_worker",
                           "penstock_quota_", "penstock_catalog_"}) {
    INFO(part);
    CHECK(text.find(part) == std::string::npos);
  }
}

TEST_CASE("metrics: values of labels are escaped and always UTF-8") {
  Metrics metrics;
  FleetSample sample;
  sample.workers = {worker("a\"b\\c\nd"), worker("caf\xc3\xa9"), worker("caf\xe9")};
  metrics.observe(sample);
  CHECK(lines_with(metrics.text(), "penstock_worker_draining") ==
        "penstock_worker_draining{worker=\"a\\\"b\\\\c\\nd\"} 0\n"
        "penstock_worker_draining{worker=\"caf?\"} 0\n"
        "penstock_worker_draining{worker=\"caf\xc3\xa9\"} 0\n");
}

TEST_CASE("metrics: no series comes twice where budgets name the same key") {
  Metrics metrics;
  FleetSample sample = fleet();
  sample.quotas.push_back(sample.quotas.front());
  sample.quotas.back().keys.front().tokens = 1;
  metrics.observe(sample);
  CHECK(lines_with(metrics.text(), "penstock_quota_tokens_used") ==
        "penstock_quota_tokens_used{endpoint=\"https://api.openai.com/v1\",key=\"main\"} 79120\n");
}

TEST_CASE("metrics: keys without terms are numbered") {
  Metrics metrics;
  FleetSample sample;
  sample.quotas = {{{"https://e", {}, 0}, {{60, 1'000, 3, 40, 0s}, {60, 1'000, 0, 50, 0s}}}};
  metrics.observe(sample);
  CHECK(lines_with(metrics.text(), "penstock_quota_tokens_used") ==
        "penstock_quota_tokens_used{endpoint=\"https://e\",key=\"1\"} 40\n"
        "penstock_quota_tokens_used{endpoint=\"https://e\",key=\"2\"} 50\n");
}

TEST_CASE("metrics: a method that a client made up is no label") {
  Metrics metrics;
  metrics.http_answered("BREW", "/v1/documents", 405, 1ms);
  metrics.http_answered("POUR", "/v1/documents", 405, 1ms);
  CHECK(lines_with(metrics.text(), "penstock_http_requests_total") ==
        "penstock_http_requests_total{code=\"405\",method=\"other\",route=\"/v1/documents\"} 2\n");
}

TEST_CASE("metrics: a duration below zero counts as zero") {
  Metrics metrics;
  metrics.stage_took(DocumentStage::store, -5s);
  CHECK(lines_with(metrics.text(), "stage_seconds_sum{stage=\"store\"}") ==
        "penstock_stage_seconds_sum{stage=\"store\"} 0\n");
}

TEST_CASE("metrics: threads that feed it at once lose nothing") {
  constexpr int threads_count = 4;
  constexpr int events = 2'000;
  Metrics metrics;
  std::vector<std::thread> threads;
  threads.reserve(threads_count);
  for (int i = 0; i < threads_count; ++i)
    threads.emplace_back([&metrics] {
      for (int event = 0; event < events; ++event) {
        metrics.http_answered("GET", "/v1/search", 200, 1ms);
        metrics.document_ended(Lane::bulk, Outcome::done, 1s);
        if (event % 100 == 0) {
          metrics.observe(fleet());
          static_cast<void>(metrics.text());
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics.text();
  CHECK(lines_with(text, "penstock_http_requests_total") ==
        "penstock_http_requests_total{code=\"200\",method=\"GET\",route=\"/v1/search\"} 8000\n");
  CHECK(lines_with(text, "penstock_documents_total{lane=\"bulk\",outcome=\"done\"}") ==
        "penstock_documents_total{lane=\"bulk\",outcome=\"done\"} 8000\n");
}

}  // namespace
}  // namespace penstock
