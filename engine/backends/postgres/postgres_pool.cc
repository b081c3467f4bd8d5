#include "engine/backends/postgres/postgres_pool.h"

#include <algorithm>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "engine/core/backoff.h"
#include "engine/core/clock.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds pause_first{50};
constexpr std::chrono::milliseconds pause_longest{2'000};
constexpr double pause_jitter = 0.5;

// Waits before another attempt. False: patience would be over by then.
class Patience {
 public:
  Patience(std::chrono::milliseconds patience, std::uint64_t seed)
      : end_(std::chrono::steady_clock::now() + patience),
        backoff_(pause_first, pause_longest, pause_jitter, seed) {}

  bool wait() {
    const TimePoint next = std::chrono::steady_clock::now() + backoff_.next();
    if (next > end_) return false;
    std::this_thread::sleep_until(next);
    return true;
  }

 private:
  const TimePoint end_;
  Backoff backoff_;
};

}  // namespace

PostgresPool::PostgresPool(const PostgresOptions& options)
    : url_(options.url),
      connections_max_(std::max<std::size_t>(options.connections_max, 1)),
      patience_(options.patience),
      seeds_(std::random_device()()) {
  Patience patience(patience_, seed());
  for (;;) {
    Result<Connection> connection = PostgresConnection::open(url_);
    if (connection) {
      idle_.push_back(std::move(*connection));
      return;
    }
    if (connection.error().kind == ErrorKind::permanent || !patience.wait())
      throw FatalError(connection.error().message);
  }
}

PostgresPool::~PostgresPool() = default;

std::uint64_t PostgresPool::seed() {
  const std::lock_guard lock(mutex_);
  return seeds_++;
}

PostgresPool::Connection PostgresPool::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return out_ < connections_max_; });
  ++out_;
  if (idle_.empty()) return {};
  Connection connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void PostgresPool::put_back(Connection connection, bool is_suspect) {
  std::vector<Connection> dropped;  // closed without the lock
  {
    const std::lock_guard lock(mutex_);
    --out_;
    if (is_suspect) dropped.swap(idle_);
    if (connection && !connection->is_broken()) idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

Result<void> PostgresPool::repeat(const Work& attempt) {
  std::optional<Patience> patience;
  for (;;) {
    Connection connection = take();
    const bool was_idle = connection != nullptr;
    Error error;
    if (!connection) {
      Result<Connection> opened = PostgresConnection::open(url_);
      if (opened) {
        connection = std::move(*opened);
      } else {
        error = opened.error();
      }
    }
    if (connection) {
      Result<void> done = attempt(*connection);
      const bool is_broken = connection->is_broken();
      // What broke one that was idle has most likely broken the others.
      put_back(std::move(connection), is_broken);
      if (done || done.error().kind == ErrorKind::permanent) return done;
      error = done.error();
      // A server or a pooler may have closed it long ago: that is no reason to wait.
      if (is_broken && was_idle) continue;
    } else {
      put_back({}, true);
    }
    if (!patience) patience.emplace(patience_, seed());
    if (!patience->wait())
      return retryable_error(
          error.message + "; tried for " +
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(patience_).count()) +
          " s, nothing is lost");
  }
}

Result<PostgresRows> PostgresPool::run(const std::string& sql,
                                       const PostgresParameters& parameters) {
  std::optional<PostgresRows> rows;
  const Result<void> done = repeat([&](PostgresConnection& connection) -> Result<void> {
    Result<PostgresRows> got = connection.run(sql, parameters);
    if (!got) return pass_on(got.error());
    rows.emplace(std::move(*got));
    return {};
  });
  if (!done) return pass_on(done.error());
  return std::move(*rows);
}

PostgresPool::Use PostgresPool::use() {
  const std::lock_guard lock(mutex_);
  return {out_, idle_.size()};
}

Result<void> PostgresPool::transact(const Work& work) {
  return repeat([&](PostgresConnection& connection) -> Result<void> {
    if (Result<void> begun = connection.begin(); !begun) return begun;
    Result<void> done = work(connection);
    if (done) return connection.commit();
    connection.roll_back();
    return done;
  });
}

}  // namespace penstock
