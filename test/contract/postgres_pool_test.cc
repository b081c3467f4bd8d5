#include "engine/backends/postgres/postgres_pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/postgres/postgres_ledger.h"
#include "test/contract/postgres_parts.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("postgres: who cannot come in is told why but not the password") {
  const auto url = test_postgres_url(direct);
  if (!url) return;
  PostgresPool pool({.url = *url});
  const auto open = [](const std::string& wrong) {
    return message_of([&] { PostgresPool refused({.url = wrong}); });
  };
  REQUIRE(pool.run("DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN "
                   "duplicate_object OR unique_violation THEN END $$")
              .has_value());
  std::string guarded = *url;
  guarded.replace(guarded.find("penstock@"), 8, "guarded:s3cret");
  CHECK(open(guarded) ==
        pool.name() +
            ": password authentication failed for user \"guarded\"; check the user "
            "and the password in the URL");
  const std::string nowhere = with_database(*url, "nowhere");
  CHECK_THAT(open(nowhere), ContainsSubstring("/nowhere: database \"nowhere\" does not exist; "
                                              "create it, or change the URL"));
  // Nothing listens on the port of tcpmux.
  CHECK(open("postgres://penstock:s3cret@127.0.0.1:1/penstock") ==
        "127.0.0.1:1/penstock: Connection refused; check that the server runs and can be reached");
  CHECK(open("postgres://penstock:s3cret@[::1/penstock") ==
        "not the URL of a Postgres; write postgres://USER:PASSWORD@HOST:PORT/DATABASE");
  CHECK(open("mysql://penstock:s3cret@host/penstock") ==
        "not the URL of a Postgres; write postgres://USER:PASSWORD@HOST:PORT/DATABASE");
  CHECK(open("postgres://penstock:s3cret@host") ==
        "the URL of the Postgres names no database; write "
        "postgres://USER:PASSWORD@HOST:PORT/DATABASE");
}

TEST_CASE("postgres: sessions that ended are replaced without an error") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  const std::vector<VersionName> intents = {{"a", version("one")}};
  for (int round = 0; round < 3; ++round) {
    REQUIRE(ledger.intend(intents).has_value());
    database->end_sessions();
    CHECK(ledger.intents() == intents);
    database->end_sessions();
    CHECK(ledger.record(std::vector{done("a", version("one"))}).has_value());
  }
  CHECK(ledger.find("a")->value().attempts == 3);
}

TEST_CASE("postgres: a transaction that lost its session in the middle is done again") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  REQUIRE(
      pool.run("CREATE SCHEMA penstock; CREATE TABLE penstock.steps (step integer)").has_value());
  int attempts = 0;
  const Result<void> done = pool.transact([&](PostgresConnection& connection) -> Result<void> {
    const int attempt = ++attempts;
    if (auto added = connection.run("INSERT INTO penstock.steps VALUES (1)"); !added)
      return pass_on(added.error());
    if (attempt == 1) database->end_sessions();
    if (auto added = connection.run("INSERT INTO penstock.steps VALUES (2)"); !added)
      return pass_on(added.error());
    return {};
  });
  CHECK(done.has_value());
  CHECK(attempts == 2);
  CHECK(stored_text(pool, "SELECT string_agg(step::text, ' ') FROM penstock.steps") == "1 2");
}

TEST_CASE("postgres: what stood in another transaction's way is done again") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  for (const std::string state : {"40001", "40P01", "53300", "57P03"}) {
    int attempts = 0;
    const Result<void> done = pool.transact([&](PostgresConnection& connection) -> Result<void> {
      if (++attempts > 1) return {};
      const auto failed = connection.run("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" +
                                         state + "'; END $$");
      return failed ? Result<void>() : pass_on(failed.error());
    });
    CHECK(done.has_value());
    CHECK(attempts == 2);
  }
}

TEST_CASE("postgres: a refused statement is not repeated and leaves the connection usable") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url(), .connections_max = 1});
  const std::string session = stored_text(pool, "SELECT pg_backend_pid()");
  const auto refused = pool.run("SELECT 1 / 0");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::permanent);
  CHECK(refused.error().message == pool.name() + ": division by zero");
  CHECK(stored_text(pool, "SELECT pg_backend_pid()") == session);
}

TEST_CASE("postgres: once patience is over the error says for how long it was tried") {
  const auto database = fresh_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url(), .patience = std::chrono::milliseconds(0)});
  REQUIRE(database->server()
              .run("ALTER DATABASE " + database->name() + " WITH ALLOW_CONNECTIONS false")
              .has_value());
  database->end_sessions();
  const auto failed = pool.run("SELECT 1");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().kind == ErrorKind::retryable);
  CHECK_THAT(failed.error().message, ContainsSubstring("is not currently accepting connections") &&
                                         ContainsSubstring("; tried for 0 s, nothing is lost"));
}

TEST_CASE("postgres: more threads than connections take turns") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url(), .connections_max = 2});
  REQUIRE(
      pool.run("CREATE SCHEMA penstock; CREATE TABLE penstock.sessions (pid integer)").has_value());
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 20; ++turn)
        if (!pool.run("INSERT INTO penstock.sessions VALUES (pg_backend_pid())")) ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(stored_text(pool, "SELECT count(*) FROM penstock.sessions") == "160");
  CHECK(stored_text(pool, "SELECT count(DISTINCT pid) <= 2 FROM penstock.sessions") == "t");
}

// The usual limit is 1,024, with which a thousand connections just do not fit.
void allow_open_files(rlim_t count) {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::max(limit.rlim_cur, count);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

// A worker with a connection of its own, which is open before anyone passes `all_are_connected`:
// brings a document from its intent to its outcome.
bool stores_a_document(const std::string& url, const std::string& key,
                       std::latch& all_are_connected) {
  std::unique_ptr<PostgresPool> pool;
  try {
    pool = std::make_unique<PostgresPool>(PostgresOptions{.url = url, .connections_max = 1});
  } catch (const FatalError&) {
  }
  all_are_connected.arrive_and_wait();
  if (!pool) return false;
  try {
    PostgresLedger ledger(*pool);
    const std::vector<VersionName> intents = {{key, version(key)}};
    const std::vector<DocumentRecord> records = {done(key, version(key))};
    if (!ledger.intend(intents)) return false;
    const auto refused = ledger.record(records);
    if (!refused || !refused->empty() || !ledger.clear_intents(intents)) return false;
    const auto found = ledger.find(key);
    return found && *found && (*found)->outcome == Outcome::done;
  } catch (const FatalError&) {
    return false;
  }
}

TEST_CASE("postgres ledger: a thousand workers share a server that admits a hundred") {
  TestDatabase* const database = cleared_database(pooled);
  if (!database) return;
  REQUIRE(stored_text(database->server(), "SHOW max_connections") == "100");
  constexpr std::size_t worker_count = 1'000;
  allow_open_files(worker_count + 100);

  std::latch all_are_connected(worker_count);
  std::atomic<std::size_t> at_work = worker_count;
  std::atomic<std::size_t> successes = 0;
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < worker_count; ++i) {
    workers.emplace_back([&, i] {
      if (stores_a_document(database->url(), "document " + std::to_string(i), all_are_connected))
        ++successes;
      --at_work;
    });
  }
  int sessions_most = 0;
  while (at_work > 0)
    sessions_most =
        std::max(sessions_most, std::stoi(stored_text(database->server(),
                                                      "SELECT count(*) FROM pg_stat_activity "
                                                      "WHERE backend_type = 'client backend'")));
  for (std::thread& worker : workers) worker.join();

  CHECK(successes == worker_count);
  CHECK(sessions_most <= 100);
  PostgresPool pool({.url = database->direct_url()});
  CHECK(stored_text(pool, "SELECT count(*) FROM penstock.documents WHERE outcome = 'done'") ==
        "1000");
  CHECK(stored_text(pool, "SELECT count(*) FROM penstock.intents") == "0");
}

}  // namespace
}  // namespace penstock
