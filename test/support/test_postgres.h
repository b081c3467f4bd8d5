// A database of a test's own, on the server that scripts/services started.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "engine/backends/postgres/postgres_pool.h"
#include "test/support/catch.h"

namespace penstock {

// The variable's value; absent where there is no server, which fails the test under CI.
inline std::optional<std::string> test_postgres_url(const char* variable) {
  if (const char* const url = std::getenv(variable)) return url;
  if (std::getenv("CI") != nullptr) FAIL(variable << " is not set: use scripts/services run");
  WARN("skipped: " << variable << " is not set; scripts/services run starts the servers");
  return std::nullopt;
}

inline std::string with_database(const std::string& url, const std::string& database) {
  return url.substr(0, url.rfind('/') + 1) + database;
}

// `url` reaches a server, perhaps through a pooler; `direct_url` the same server without one.
class TestDatabase {
 public:
  TestDatabase(const std::string& url, const std::string& direct_url)
      : server_({.url = direct_url, .connections_max = 1}),
        name_("test_" + std::to_string(getpid()) + "_" + std::to_string(next_++)),
        url_(with_database(url, name_)),
        direct_url_(with_database(direct_url, name_)) {
    REQUIRE(server_.run("CREATE DATABASE " + name_).has_value());
  }
  explicit TestDatabase(const std::string& direct_url) : TestDatabase(direct_url, direct_url) {}
  ~TestDatabase() {
    static_cast<void>(server_.run("DROP DATABASE " + name_ + " WITH (FORCE)").has_value());
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const std::string& url() const { return url_; }
  const std::string& direct_url() const { return direct_url_; }
  const std::string& name() const { return name_; }
  // Of another database of the same server: what is closed here stays open there.
  PostgresPool& server() { return server_; }

  // Without penstock's tables, as it was when it was made, which takes longer.
  void clear() {
    REQUIRE(PostgresPool({.url = direct_url_, .connections_max = 1})
                .run("DROP SCHEMA IF EXISTS penstock CASCADE")
                .has_value());
  }

  // Ends every session with this database, as a restart of the server would.
  void end_sessions() {
    REQUIRE(server_
                .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                     name_ + "'")
                .has_value());
  }

 private:
  static inline std::atomic<int> next_{0};

  PostgresPool server_;
  const std::string name_;
  const std::string url_;
  const std::string direct_url_;
};

}  // namespace penstock
