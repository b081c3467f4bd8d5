// What a queue on Redis bears: documents are enqueued in batches of 1,000, as `penstock enqueue`
// does, while workers of one process claim and acknowledge them one by one, as a pipeline does.
//   queue_run REDIS-URL DOCUMENTS [WORKERS]
// Prints a line for people and one of JSON.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/redis/redis_broker.h"
#include "engine/core/error.h"

namespace penstock {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::size_t batch_size = 1'000;

Claim document(std::size_t number) {
  const std::string path =
      fmt::format("/archive/2024/invoices/{:03}/invoice-{:08}.pdf", number % 1'000, number);
  const auto changed = static_cast<std::int64_t>(1'700'000'000'000'000'000 + number);
  return {path, path, R"({"customer":"acme","year":2024})", {123'456, changed, changed}};
}

void enqueue_all(RedisBroker& broker, std::size_t documents) {
  for (std::size_t first = 0; first < documents; first += batch_size) {
    std::vector<Claim> batch;
    for (std::size_t i = first; i < std::min(first + batch_size, documents); ++i)
      batch.push_back(document(i));
    if (const auto done = broker.enqueue(batch, Lane::bulk); !done)
      throw FatalError(done.error().message);
  }
}

// Claims and acknowledges until the queue is empty.
std::size_t work(RedisBroker& broker) {
  std::size_t count = 0;
  WorkQueue& queue = broker.queue(Lane::bulk);
  while (const auto claim = queue.claim()) {
    queue.acknowledge(*claim, Outcome::done, {});
    ++count;
  }
  return count;
}

double rate(std::size_t documents, Seconds time) {
  return static_cast<double>(documents) / time.count();
}

void run(const std::string& url, std::size_t documents, std::size_t worker_count) {
  BrokerOptions options;
  options.queue = fmt::format("bench-{}", std::random_device()());
  options.documents_max = documents;
  options.until_empty = true;
  RedisBroker producer(url, options);
  std::vector<std::unique_ptr<RedisBroker>> workers;
  for (std::size_t i = 0; i < worker_count; ++i) {
    options.worker = fmt::format("w{}", i);
    workers.push_back(std::make_unique<RedisBroker>(url, options));
  }

  const auto start = std::chrono::steady_clock::now();
  enqueue_all(producer, documents);
  const Seconds enqueueing = std::chrono::steady_clock::now() - start;
  std::atomic<std::size_t> done = 0;
  std::vector<std::thread> threads;
  for (const auto& worker : workers) threads.emplace_back([&] { done += work(*worker); });
  for (std::thread& thread : threads) thread.join();
  const Seconds all = std::chrono::steady_clock::now() - start;
  if (done != documents) throw FatalError(fmt::format("{} of {} documents done", done, documents));

  fmt::print(
      "{} documents: enqueued {:.0f}/s; claimed and acknowledged {:.0f}/s by {} workers; "
      "in all {:.0f}/s\n",
      documents, rate(documents, enqueueing), rate(documents, all - enqueueing), worker_count,
      rate(documents, all));
  fmt::print(
      "{{\"documents\":{},\"workers\":{},\"enqueued_per_s\":{:.0f},\"worked_per_s\":{:.0f},"
      "\"documents_per_s\":{:.0f}}}\n",
      documents, worker_count, rate(documents, enqueueing), rate(documents, all - enqueueing),
      rate(documents, all));
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    fmt::print(stderr, "usage: queue_run REDIS-URL DOCUMENTS [WORKERS]\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    penstock::run(argv[1], std::strtoull(argv[2], nullptr, 10),
                  argc == 4 ? std::strtoull(argv[3], nullptr, 10) : 1);
  } catch (const std::exception& error) {
    fmt::print(stderr, "queue_run: {}\n", error.what());
    return 1;
  }
}
