// How long a document that somebody waits for takes while bulk work uses the quota whole: the
// product's own pipeline, wired as the command wires it, on generated documents. Bulk ones never
// run out; interactive ones arrive at random, whether or not those before them are done. Each is
// timed from when it was to arrive until its outcome is durable.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/lanes_documents.h"
#include "cli/wiring.h"
#include "engine/http/http_client.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

struct RunOptions {
  std::string url;
  std::uint64_t requests_per_minute = 200'000;
  std::uint64_t tokens_per_minute = 6'000'000;
  double arrivals_per_second = 5;
  std::uint32_t warm_up_s = 65;
  std::uint32_t seconds = 120;
  std::uint64_t seed = 1;
};

TimePoint now() {
  return std::chrono::steady_clock::now();
}

// What became of the documents; told on the pipeline's threads.
class Watch {
 public:
  explicit Watch(const ArrivingDocuments& arriving) : arriving_(arriving) {}

  void finished(const FinishedDocument& document) {
    const TimePoint at = now();
    const std::optional<TimePoint> arrival = arriving_.arrival_of(document.claim);
    const std::lock_guard lock(mutex_);
    if (document.outcome != Outcome::done) ++not_done_;
    if (!arrival) {
      ++bulk_documents_;
      return;
    }
    latencies_s_.push_back(Seconds(at - *arrival).count());
    interactive_tokens_ += document.tokens;
    for (const Stage stage : all_stages) {
      const StageTime& time = document.times.of(stage);
      stages_s_[static_cast<std::size_t>(stage)].push_back(
          Seconds(time.waited + time.busy).count());
    }
    ended_.notify_one();
  }

  void pipeline_ended() {
    const std::lock_guard lock(mutex_);
    pipeline_has_ended_ = true;
    ended_.notify_one();
  }

  // Until all interactive documents have their outcome, or nothing else will have one.
  void wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock,
                [this] { return pipeline_has_ended_ || latencies_s_.size() == arriving_.size(); });
  }

  // Of interactive documents. To be asked once the pipeline has ended.
  std::vector<double> latencies_s() const { return latencies_s_; }
  std::vector<double> stage_s(Stage stage) const {
    return stages_s_[static_cast<std::size_t>(stage)];
  }
  std::uint64_t interactive_tokens() const { return interactive_tokens_; }
  std::uint64_t bulk_documents() const { return bulk_documents_; }
  std::uint64_t not_done() const { return not_done_; }

 private:
  const ArrivingDocuments& arriving_;

  std::mutex mutex_;
  std::condition_variable ended_;
  // Guarded by mutex_ while the pipeline runs.
  bool pipeline_has_ended_ = false;
  std::vector<double> latencies_s_;
  std::array<std::vector<double>, all_stages.size()> stages_s_;
  std::uint64_t interactive_tokens_ = 0;
  std::uint64_t bulk_documents_ = 0;
  std::uint64_t not_done_ = 0;
};

// What the service says it was used for.
Json stats_of(HttpClient& client, const std::string& url) {
  HttpRequest request;
  request.url = url.substr(0, url.rfind("/v1")) + "/stats";
  std::promise<Result<HttpResponse>> answered;
  client.send(std::move(request),
              [&](Result<HttpResponse> response) { answered.set_value(std::move(response)); });
  const Result<HttpResponse> response = answered.get_future().get();
  if (!response) throw FatalError(response.error().message);
  return Json::parse(response->body);
}

std::uint64_t faults_in(const Json& stats) {
  std::uint64_t sum = 0;
  for (const Json& count : stats.at("faults")) sum += count.get<std::uint64_t>();
  return sum;
}

// The least value that so much of all values does not exceed.
double percentile(const std::vector<double>& sorted, double part) {
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

EngineOptions engine_options(const RunOptions& options) {
  EngineOptions engine;
  engine.embedder.url = "openai:" + options.url;
  engine.embedder.requests_per_minute = options.requests_per_minute;
  engine.embedder.tokens_per_minute = options.tokens_per_minute;
  engine.embedder.request_timeout_s = 10;
  return engine;
}

// `before` and `after`: the service's account when arrivals began and when all had ended.
void report(const RunOptions& options, const Watch& watch, const Json& before, const Json& after,
            Seconds measured) {
  std::vector<double> latencies = watch.latencies_s();
  std::ranges::sort(latencies);
  if (latencies.empty()) throw FatalError("no interactive document arrived: use more --seconds");
  const double permitted = static_cast<double>(options.tokens_per_minute) * measured.count() / 60;
  const double used = after.at("tokens").get<double>() - before.at("tokens").get<double>();
  const double utilisation = used / permitted;
  const double interactive = static_cast<double>(watch.interactive_tokens()) / permitted;
  const auto violations = after.at("violations").get<std::uint64_t>();
  const std::uint64_t faults = faults_in(after) - faults_in(before);

  fmt::print("{} interactive documents in {:.0f} s, {:.1f} a second\n", latencies.size(),
             measured.count(), options.arrivals_per_second);
  fmt::print("  from arrival to durable: p50 {:.2f} s, p90 {:.2f} s, p99 {:.2f} s, max {:.2f} s\n",
             percentile(latencies, 0.5), percentile(latencies, 0.9), percentile(latencies, 0.99),
             latencies.back());
  for (const Stage stage : all_stages) {
    std::vector<double> times = watch.stage_s(stage);
    std::ranges::sort(times);
    fmt::print("    {:<9} p50 {:6.3f} s, p99 {:6.3f} s\n", name_of(stage), percentile(times, 0.5),
               percentile(times, 0.99));
  }
  fmt::print("  quota used meanwhile: {:.2f}%, of it {:.2f} by interactive documents\n",
             100 * utilisation, 100 * interactive);
  fmt::print("  {} requests refused for quota, {} faults met; {} bulk documents done, {} not\n",
             violations, faults, watch.bulk_documents(), watch.not_done());
  const Json line = {{"tokens_per_minute", options.tokens_per_minute},
                     {"requests_per_minute", options.requests_per_minute},
                     {"arrivals_per_second", options.arrivals_per_second},
                     {"seconds", measured.count()},
                     {"interactive_documents", latencies.size()},
                     {"bulk_documents", watch.bulk_documents()},
                     {"not_done", watch.not_done()},
                     {"p50_s", percentile(latencies, 0.5)},
                     {"p90_s", percentile(latencies, 0.9)},
                     {"p99_s", percentile(latencies, 0.99)},
                     {"max_s", latencies.back()},
                     {"utilisation", utilisation},
                     {"interactive_utilisation", interactive},
                     {"violations", violations},
                     {"faults", faults}};
  fmt::print("{}\n", line.dump());
}

void measure(const RunOptions& options) {
  const TempDir folder;
  Engine engine(engine_options(options));
  Store store = open_store_for_writing({folder.path("store.db"), {}, {}}, engine);
  HttpClient client(HttpClientOptions{});

  const TimePoint begin = now() + std::chrono::seconds(options.warm_up_s);
  GeneratedBlobs blobs;
  EndlessDocuments bulk(options.seed);
  ArrivingDocuments arriving(begin, std::chrono::seconds(options.seconds),
                             options.arrivals_per_second, options.seed);
  Watch watch(arriving);

  const PipelineParts wired = engine.parts(bulk, store);
  Pipeline pipeline({bulk, blobs, wired.extract, wired.tokenizer, wired.quota, wired.embedder,
                     wired.ledger, wired.vectors, wired.cache, &arriving},
                    engine.pipeline_options(),
                    [&](const FinishedDocument& document) { watch.finished(document); });
  std::future<Result<void>> ran = std::async(std::launch::async, [&] {
    Result<void> result = pipeline.run();
    watch.pipeline_ended();
    return result;
  });

  std::this_thread::sleep_until(begin);
  const Json before = stats_of(client, options.url);
  watch.wait();
  const Json after = stats_of(client, options.url);
  const Seconds measured = now() - begin;
  bulk.close();
  engine.service().quota().stop();
  const Result<void> result = ran.get();
  if (!result && result.error().kind != ErrorKind::cancelled)
    throw FatalError(result.error().message);
  report(options, watch, before, after, measured);
}

// Absent: the usage was printed, and the process ends with `exit_code`.
std::optional<RunOptions> parse(int argc, char** argv, int& exit_code) {
  RunOptions options;
  CLI::App app(
      "Times interactive documents while bulk documents use the quota of an emulated "
      "service whole");
  app.option_defaults()->take_last();
  app.add_option("URL", options.url, "What `penstock emulate openai` serves")->required();
  app.add_option("--requests-per-minute", options.requests_per_minute)->capture_default_str();
  app.add_option("--tokens-per-minute", options.tokens_per_minute)->capture_default_str();
  app.add_option("--arrivals", options.arrivals_per_second, "Interactive documents a second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up_s,
                 "Seconds of bulk work alone; in more than 60, the quota's minute fills")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "For how long documents arrive")
      ->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return std::nullopt;
  }
  return options;
}

int run(int argc, char** argv) {
  int exit_code = 0;
  if (run_extractor_child_if_asked(argc, argv, exit_code)) return exit_code;
  try {
    const std::optional<RunOptions> options = parse(argc, argv, exit_code);
    if (options) measure(*options);
    return exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lanes_run: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  return penstock::run(argc, argv);
}
