// How many chunks a second Postgres takes from workers, and how fast a pooler serves a fleet's
// connections, for scripts/bench-postgres. Prints one line of JSON.
//   postgres_run write    documents through StoreWriter
//   postgres_run index    HNSW over the vectors that were written
//   postgres_run connect  many workers at once, each with a connection of its own
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/postgres/pgvector_vectors.h"
#include "engine/backends/postgres/postgres_ledger.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "engine/core/clock.h"
#include "engine/pipeline/store_writer.h"

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

constexpr std::uint32_t tokens_of_chunk = 500;

struct WriteOptions {
  std::string ledger_url;
  std::string vectors_url;
  std::size_t workers = 1;
  std::size_t documents = 2'000;  // a worker's
  std::size_t in_flight = 64;     // a worker's
  std::size_t chunks = 12;
  std::size_t dimensions = 1'536;
};

struct ConnectOptions {
  std::string url;
  std::size_t workers = 1'000;
  std::size_t finds = 10;  // a worker's
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

double seconds_since(TimePoint begin) {
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

std::vector<float> unit_vectors(std::size_t count, std::size_t dimensions) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count * dimensions);
  for (std::size_t row = 0; row < count; ++row) {
    const std::span<float> vector = std::span(vectors).subspan(row * dimensions, dimensions);
    double squares = 0;
    for (float& value : vector) {
      value = normal(random);
      squares += value * value;
    }
    for (float& value : vector) value /= static_cast<float>(std::sqrt(squares));
  }
  return vectors;
}

// About 500 tokens of text that does not compress like one letter.
std::string some_text() {
  std::mt19937 random(2);
  std::string text;
  while (text.size() < 2'000) {
    for (auto letters = 2 + random() % 8; letters > 0; --letters)
      text += static_cast<char>('a' + random() % 26);
    text += ' ';
  }
  return text;
}

// A worker's writes: as many documents in flight as its pipeline has, all with the same chunks,
// since what is measured does not look at them. The next one follows when one is stored.
// Nobody else has any.
std::vector<bool> holds_all(Lane /*lane*/, std::span<const std::string> keys) {
  return std::vector<bool>(keys.size(), true);
}

class Worker {
 public:
  Worker(const WriteOptions& options, std::size_t number)
      : options_(options),
        number_(number),
        text_(some_text()),
        rows_(unit_vectors(options.chunks, options.dimensions)),
        ledger_pool_({.url = options.ledger_url}),
        vectors_pool_({.url = options.vectors_url}),
        ledger_(ledger_pool_),
        vectors_(vectors_pool_, "bench", options.dimensions),
        writer_(ledger_, vectors_, nullptr, "bench", milestones_, holds_all, {},
                [this](Job* job) { stored(job); }) {}

  // Returns once all documents are stored.
  void run() {
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < options_.in_flight; ++i) write_next();
    }
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return failure_ || stored_ == options_.documents; });
    if (failure_) throw FatalError(*failure_);
  }

 private:
  // With mutex_ locked.
  void write_next() {
    if (begun_ == options_.documents) return;
    const std::string key = fmt::format("s3://bench/{}/{}.pdf", number_, begun_++);
    auto job = std::make_unique<Job>(Claim{key, key, {}, {1, 1, 1}}, Lane::bulk);
    job->version = VersionId::of(key, "bench");
    job->pages = 10;
    job->tokens = tokens_of_chunk * options_.chunks;
    job->vectors = rows_;
    job->chunks.resize(options_.chunks);
    for (std::size_t i = 0; i < job->chunks.size(); ++i) {
      job->chunks[i].ordinal = static_cast<std::uint32_t>(i);
      job->chunks[i].tokens = tokens_of_chunk;
      job->chunks[i].text = text_;
    }
    writer_.write(job.release());
  }

  void stored(Job* job) {
    const std::unique_ptr<Job> finished(job);
    const std::lock_guard lock(mutex_);
    if (job->abandoned) failure_ = job->abandoned->message;
    ++stored_;
    if (!failure_) write_next();
    if (failure_ || stored_ == options_.documents) ended_.notify_one();
  }

  const WriteOptions& options_;
  const std::size_t number_;
  const std::string text_;
  const std::vector<float> rows_;
  PostgresPool ledger_pool_;
  PostgresPool vectors_pool_;
  PostgresLedger ledger_;
  PgvectorVectors vectors_;

  std::mutex mutex_;
  std::condition_variable ended_;
  // Guarded by mutex_.
  std::size_t begun_ = 0;
  std::size_t stored_ = 0;
  std::optional<std::string> failure_;

  const Milestones milestones_{nullptr};
  StoreWriter writer_;  // uses all the others
};

Json write(const WriteOptions& options) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < options.workers; ++i)
    workers.push_back(std::make_unique<Worker>(options, i));
  const double cpu_before = cpu_seconds();
  const TimePoint begin = std::chrono::steady_clock::now();
  std::vector<std::future<void>> runs;
  for (const auto& worker : workers)
    runs.push_back(std::async(std::launch::async, [&] { worker->run(); }));
  for (std::future<void>& run : runs) run.get();
  const double seconds = seconds_since(begin);
  const double cpu = cpu_seconds() - cpu_before;
  const std::size_t documents = options.workers * options.documents;
  return {{"workers", options.workers},
          {"dimensions", options.dimensions},
          {"documents", documents},
          {"chunks", documents * options.chunks},
          {"seconds", seconds},
          {"cpu_seconds", cpu},
          {"chunks_per_second", static_cast<double>(documents * options.chunks) / seconds}};
}

Json index(const std::string& vectors_url) {
  PostgresPool pool({.url = vectors_url});
  PgvectorVectors vectors(pool);
  const TimePoint begin = std::chrono::steady_clock::now();
  if (const auto built = vectors.build_index(); !built) throw FatalError(built.error().message);
  return {{"seconds", seconds_since(begin)}};
}

Json connect(const ConnectOptions& options) {
  const auto count = static_cast<std::ptrdiff_t>(options.workers);
  std::latch connected(count + 1);
  std::latch go(1);
  std::atomic<std::size_t> failures{0};
  std::vector<std::vector<double>> latencies_ms(options.workers);
  std::vector<std::thread> workers;
  const TimePoint begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < options.workers; ++i) {
    workers.emplace_back([&, i] {
      std::unique_ptr<PostgresPool> pool;
      std::unique_ptr<PostgresLedger> ledger;
      try {
        pool = std::make_unique<PostgresPool>(
            PostgresOptions{.url = options.url, .connections_max = 1});
        ledger = std::make_unique<PostgresLedger>(*pool);
      } catch (const FatalError& error) {
        if (failures++ == 0) fmt::print(stderr, "{}\n", error.what());
      }
      connected.count_down();
      go.wait();
      for (std::size_t find = 0; ledger && find < options.finds; ++find) {
        const TimePoint asked = std::chrono::steady_clock::now();
        if (const auto record = ledger->find("nobody"); !record && failures++ == 0)
          fmt::print(stderr, "{}\n", record.error().message);
        latencies_ms[i].push_back(1e3 * seconds_since(asked));
      }
    });
  }
  connected.arrive_and_wait();
  const double connect_seconds = seconds_since(begin);
  const TimePoint began = std::chrono::steady_clock::now();
  go.count_down();
  for (std::thread& worker : workers) worker.join();
  const double seconds = seconds_since(began);
  std::vector<double> all;
  for (const auto& each : latencies_ms) all.insert(all.end(), each.begin(), each.end());
  std::ranges::sort(all);
  return {{"workers", options.workers},
          {"failures", failures.load()},
          {"connect_seconds", connect_seconds},
          {"finds", all.size()},
          {"finds_per_second", static_cast<double>(all.size()) / seconds},
          {"p50_ms", all.empty() ? 0 : all[all.size() / 2]},
          {"p99_ms", all.empty() ? 0 : all[all.size() * 99 / 100]}};
}

int main_of(int argc, char** argv) {
  CLI::App app("Measures the ledger and the vectors on Postgres.");
  app.require_subcommand(1);
  WriteOptions write_options;
  CLI::App* writing = app.add_subcommand("write", "Chunks written a second");
  writing->add_option("--ledger", write_options.ledger_url, "A Postgres, or its pooler")
      ->required();
  writing->add_option("--vectors", write_options.vectors_url, "A Postgres with pgvector")
      ->required();
  writing->add_option("--workers", write_options.workers, "Workers at once");
  writing->add_option("--documents", write_options.documents, "Documents of each worker");
  writing->add_option("--in-flight", write_options.in_flight, "Of these, at once");
  writing->add_option("--chunks", write_options.chunks, "Chunks of a document");
  writing->add_option("--dimensions", write_options.dimensions, "Of a vector");
  std::string indexed_url;
  CLI::App* indexing = app.add_subcommand("index", "Builds the index of vectors that were written");
  indexing->add_option("--vectors", indexed_url, "A Postgres with pgvector")->required();
  ConnectOptions connect_options;
  CLI::App* connecting = app.add_subcommand("connect", "Many workers through a pooler");
  connecting->add_option("--url", connect_options.url, "The pooler")->required();
  connecting->add_option("--workers", connect_options.workers, "Connections at once");
  connecting->add_option("--finds", connect_options.finds, "Lookups of each worker");
  CLI11_PARSE(app, argc, argv);
  try {
    const Json result = writing->parsed()    ? write(write_options)
                        : indexing->parsed() ? index(indexed_url)
                                             : connect(connect_options);
    fmt::print("{}\n", result.dump());
    return result.value("failures", 0) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "postgres_run: {}\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  return penstock::main_of(argc, argv);
}
