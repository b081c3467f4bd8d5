// A process's few connections to one Postgres, shared by its threads, kept through restarts.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/backends/postgres/postgres_connection.h"
#include "engine/backends/postgres/postgres_url.h"
#include "engine/core/error.h"

namespace penstock {

struct PostgresOptions {
  std::string url;
  // A Postgres takes 100 by default, for all workers together; a pooler in front takes thousands.
  std::size_t connections_max = 4;
  // How long an operation outlasts a server that is down, fails over or has no room.
  std::chrono::milliseconds patience{60'000};
};

// An operation that meets a broken connection, a server that stops, starts or has no room, or a
// deadlock, is done again on a new connection, after pauses that grow, until it succeeds or
// patience is over; then it is a retryable error. It may have been carried out already when the
// connection broke, so every operation is one that may be repeated. Any thread.
class PostgresPool {
 public:
  // Connects, and throws FatalError, which names the database and never the password, if that
  // cannot be done.
  explicit PostgresPool(const PostgresOptions& options);
  ~PostgresPool();

  const std::string& name() const { return url_.name(); }

  struct Use {
    std::size_t busy = 0;
    std::size_t idle = 0;
  };
  // Of its connections, now.
  Use use();

  // One statement, a transaction by itself.
  Result<PostgresRows> run(const std::string& sql, const PostgresParameters& parameters = {});
  // `work` in a transaction (READ COMMITTED), whole or not at all. It must start afresh whenever it
  // is called.
  using Work = std::function<Result<void>(PostgresConnection& connection)>;
  Result<void> transact(const Work& work);

 private:
  using Connection = std::unique_ptr<PostgresConnection>;

  Result<void> repeat(const Work& attempt);
  // Blocks until there is one to be had: each that is out comes back, if only when its operation's
  // patience is over. Empty: to be opened.
  Connection take();
  void put_back(Connection connection, bool is_suspect);
  std::uint64_t seed();

  const PostgresUrl url_;
  const std::size_t connections_max_;
  const std::chrono::milliseconds patience_;

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Connection> idle_;  // guarded by mutex_; the last was used last
  std::size_t out_ = 0;           // guarded by mutex_
  std::uint64_t seeds_ = 0;       // guarded by mutex_
};

}  // namespace penstock
