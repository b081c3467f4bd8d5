// One client of a queue on Redis, for scripts/bench-queue: enqueues documents as `penstock enqueue`
// does, then claims and acknowledges them one by one as a worker's pipeline does, until nothing is
// left, whoever enqueued it.
//   queue_run REDIS-URL QUEUE FIRST COUNT     the documents' numbers
// Between the parts it waits for a line on standard input, so that several clients begin together.
// Before, between and after them it prints a JSON line with the CPU time that it has used.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "engine/backends/redis/redis_broker.h"
#include "engine/core/error.h"

namespace penstock {
namespace {

constexpr std::size_t batch_size = 500;

Claim document(std::size_t number) {
  const std::string path =
      fmt::format("/archive/2024/invoices/{:03}/invoice-{:08}.pdf", number % 1'000, number);
  const auto changed = static_cast<std::int64_t>(1'700'000'000'000'000'000 + number);
  return {path, path, R"({"customer":"acme","year":2024})", {123'456, changed, changed}};
}

void enqueue(RedisBroker& broker, std::size_t first, std::size_t count) {
  for (std::size_t begin = first; begin < first + count; begin += batch_size) {
    std::vector<Claim> batch;
    for (std::size_t i = begin; i < std::min(begin + batch_size, first + count); ++i)
      batch.push_back(document(i));
    const auto enqueued = broker.enqueue(batch, Lane::bulk);
    if (!enqueued) throw FatalError(enqueued.error().message);
    if (std::ranges::count(*enqueued, Enqueued::queued) != std::ssize(batch))
      throw FatalError("some documents were not queued");
  }
}

// Until nothing waits or is leased: then every acknowledgement has arrived. How many this one did.
std::size_t work(WorkQueue& queue) {
  std::size_t done = 0;
  while (const auto claim = queue.claim()) {
    queue.acknowledge(*claim, Outcome::done, {});
    ++done;
  }
  return done;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

void say(std::size_t done) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  fmt::print("{{\"done\":{},\"cpu_s\":{:.6f}}}\n", done,
             seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
  std::fflush(stdout);
}

void wait_for_line() {
  std::string line;
  if (!std::getline(std::cin, line)) throw FatalError("standard input ended");
}

void run(const std::string& url, const std::string& queue, std::size_t first, std::size_t count) {
  BrokerOptions options;
  options.queue = queue;
  options.worker = fmt::format("bench-{}", first);
  options.until_empty = true;
  RedisBroker broker(url, options);
  say(0);
  wait_for_line();
  enqueue(broker, first, count);
  say(0);
  wait_for_line();
  say(work(broker.queue(Lane::bulk)));
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: queue_run REDIS-URL QUEUE FIRST COUNT\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    penstock::run(argv[1], argv[2], std::strtoull(argv[3], nullptr, 10),
                  std::strtoull(argv[4], nullptr, 10));
  } catch (const std::exception& error) {
    fmt::print(stderr, "queue_run: {}\n", error.what());
    return 1;
  }
}
