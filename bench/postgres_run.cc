// How many chunks a second Postgres takes, as a worker writes them, and whether a pooler carries a
// fleet's connections. Prints one line of JSON. Needs servers: scripts/services run.
//   postgres_run write    batches of documents, each: intend, upsert, count, record, clear
//   postgres_run connect  many workers at once, each with a connection of its own
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <future>
#include <latch>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/backends/postgres/pgvector_vectors.h"
#include "engine/backends/postgres/postgres_ledger.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "engine/core/clock.h"

namespace penstock {
namespace {

using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

struct WriteOptions {
  std::string ledger_url;
  std::string vectors_url;
  std::size_t writers = 1;
  std::size_t batches = 20;  // a writer's
  std::size_t documents = 64;
  std::size_t chunks = 12;
  std::size_t dimensions = 1'536;
};

struct ConnectOptions {
  std::string url;
  std::size_t workers = 1'000;
  std::size_t finds = 10;  // a worker's
};

double seconds_since(TimePoint begin) {
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

template <typename T>
T required(Result<T> result) {
  if (!result) throw FatalError(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
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

// Documents of one writer, all with the same chunks: what is measured does not look at them.
class Writer {
 public:
  Writer(const WriteOptions& options, std::size_t number)
      : options_(options),
        number_(number),
        ledger_pool_({.url = options.ledger_url}),
        vectors_pool_({.url = options.vectors_url}),
        ledger_(ledger_pool_),
        vectors_(vectors_pool_, "bench", options.dimensions),
        text_(some_text()),
        rows_(unit_vectors(options.chunks, options.dimensions)),
        chunks_(options.chunks) {
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      chunks_[i].ordinal = static_cast<std::uint32_t>(i);
      chunks_[i].tokens = 500;
      chunks_[i].text = text_;
    }
  }

  void run() {
    for (std::size_t batch = 0; batch < options_.batches; ++batch) write(batch);
  }

 private:
  void write(std::size_t batch) {
    std::vector<VersionName> names;
    std::vector<VersionChunks> versions;
    std::vector<DocumentRecord> records;
    for (std::size_t i = 0; i < options_.documents; ++i) {
      const std::string key = fmt::format("s3://bench/{}/{}/{}.pdf", number_, batch, i);
      const VersionId id = VersionId::of(key, "bench");
      names.push_back({key, id});
      versions.push_back({key, id, chunks_, rows_});
      DocumentRecord& record = records.emplace_back();
      record.claim = {key, key, {}, {1, 1, 1}};
      record.attempted = id;
      record.outcome = Outcome::done;
      record.fingerprint = "bench";
      record.current = CurrentVersion{id, 10, static_cast<std::uint32_t>(chunks_.size()), 6'000};
    }
    required(ledger_.intend(names));
    required(vectors_.upsert(versions));
    for (const VersionCount& count : required(vectors_.count(names)))
      if (count.vectors != chunks_.size()) throw FatalError("vectors are missing");
    if (!required(ledger_.record(records)).empty()) throw FatalError("records were refused");
    required(ledger_.clear_intents(names));
  }

  const WriteOptions& options_;
  const std::size_t number_;
  PostgresPool ledger_pool_;
  PostgresPool vectors_pool_;
  PostgresLedger ledger_;
  PgvectorVectors vectors_;
  const std::string text_;
  const std::vector<float> rows_;
  std::vector<Chunk> chunks_;
};

Json write(const WriteOptions& options) {
  std::vector<std::unique_ptr<Writer>> writers;
  for (std::size_t i = 0; i < options.writers; ++i)
    writers.push_back(std::make_unique<Writer>(options, i));
  const TimePoint begin = std::chrono::steady_clock::now();
  std::vector<std::future<void>> runs;
  for (const auto& writer : writers)
    runs.push_back(std::async(std::launch::async, [&] { writer->run(); }));
  for (std::future<void>& run : runs) run.get();
  const double seconds = seconds_since(begin);
  const std::size_t documents = options.writers * options.batches * options.documents;
  return {{"writers", options.writers},
          {"dimensions", options.dimensions},
          {"documents", documents},
          {"chunks", documents * options.chunks},
          {"seconds", seconds},
          {"chunks_per_second", static_cast<double>(documents * options.chunks) / seconds}};
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
  writing->add_option("--ledger", write_options.ledger_url, "A Postgres")
      ->envname("PENSTOCK_TEST_PGVECTOR")
      ->required();
  writing->add_option("--vectors", write_options.vectors_url, "A Postgres with pgvector")
      ->envname("PENSTOCK_TEST_PGVECTOR")
      ->required();
  writing->add_option("--writers", write_options.writers, "Workers at once");
  writing->add_option("--batches", write_options.batches, "Batches of each worker");
  writing->add_option("--documents", write_options.documents, "Documents of a batch");
  writing->add_option("--chunks", write_options.chunks, "Chunks of a document");
  writing->add_option("--dimensions", write_options.dimensions, "Of a vector");
  ConnectOptions connect_options;
  CLI::App* connecting = app.add_subcommand("connect", "Many workers through a pooler");
  connecting->add_option("--url", connect_options.url, "The pooler")
      ->envname("PENSTOCK_TEST_PGBOUNCER")
      ->required();
  connecting->add_option("--workers", connect_options.workers, "Connections at once");
  connecting->add_option("--finds", connect_options.finds, "Lookups of each worker");
  CLI11_PARSE(app, argc, argv);
  try {
    const Json result = writing->parsed() ? write(write_options) : connect(connect_options);
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
