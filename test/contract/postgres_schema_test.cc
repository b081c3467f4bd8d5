#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/postgres/pgvector_vectors.h"
#include "engine/backends/postgres/postgres_catalog.h"
#include "engine/backends/postgres/postgres_embeddings.h"
#include "engine/backends/postgres/postgres_ledger.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "test/contract/postgres_parts.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

// Opens a store from eight threads, each as a process of its own would. What they met, joined.
template <typename Open>
std::string opened_at_once(const std::string& url, const Open& open) {
  std::mutex mutex;
  std::string errors;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const std::string message = message_of([&] {
        PostgresPool pool({.url = url});
        open(pool);
      });
      const std::lock_guard lock(mutex);
      if (message != "no error") errors += message + "\n";
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

TEST_CASE("postgres: whoever starts at once finds the same tables") {
  const char* const server = GENERATE(direct, pooled);
  // What one session remembers of another's catalog is wrong in some rounds only.
  for (int round = 0; round < 10; ++round) {
    TestDatabase* const database = cleared_database(server);
    if (!database) return;
    CHECK(opened_at_once(database->url(), [](PostgresPool& pool) {
            PostgresLedger ledger(pool);
            PostgresCatalog catalog(pool);
            PostgresEmbeddings embeddings(pool, 2, 1 << 20);
          }) == "");
  }
}

TEST_CASE("pgvector: whoever starts at once finds the same tables") {
  const auto database = fresh_database(with_pgvector);
  if (!database) return;
  CHECK(opened_at_once(database->url(), [](PostgresPool& pool) {
          PgvectorVectors vectors(pool, "model", 4);
        }) == "");
}

TEST_CASE("postgres: a newer schema is refused") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  REQUIRE(pool.run("UPDATE penstock.schema SET version = 99").has_value());
  CHECK(message_of([&] { PostgresLedger newer(pool); }) ==
        pool.name() +
            ": written by a newer penstock (schema 99 of its ledger, this one knows 2); use that "
            "one");
}

TEST_CASE("postgres: a ledger of the first schema is brought up to date") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger first(pool);
  REQUIRE(first.record(std::vector{DocumentRecord{.claim = {"a", "a", {}, {}}}}).has_value());
  REQUIRE(pool.run("ALTER TABLE penstock.documents DROP COLUMN started_ms, "
                   "DROP COLUMN extracted_ms, DROP COLUMN embedded_ms, DROP COLUMN stored_ms, "
                   "DROP COLUMN done_ms")
              .has_value());
  REQUIRE(pool.run("UPDATE penstock.schema SET version = 1 WHERE part = 'ledger'").has_value());
  PostgresLedger ledger(pool);
  const auto found = ledger.find("a");
  REQUIRE(found.has_value());
  CHECK((*found)->times == DocumentTimes());
}

TEST_CASE("postgres: a user who may not make tables can use those that are there") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  // A role is the whole server's; another run may have made it.
  REQUIRE(pool.run("DO $$ BEGIN CREATE ROLE modest LOGIN; EXCEPTION WHEN duplicate_object OR "
                   "unique_violation THEN END $$")
              .has_value());
  std::string url = database->url();
  url.replace(url.find("penstock@"), 8, "modest");
  PostgresPool modest({.url = url});
  CHECK(message_of([&] { PostgresLedger ledger(modest); }) ==
        pool.name() + ": permission denied for database " + database->name() +
            "; grant it to the user in the URL");
  PostgresLedger ledger(pool);
  REQUIRE(pool.run("GRANT USAGE ON SCHEMA penstock TO modest; "
                   "GRANT SELECT ON ALL TABLES IN SCHEMA penstock TO modest")
              .has_value());
  CHECK(PostgresLedger(modest).totals().has_value());
}

TEST_CASE("pgvector: vectors of another model are refused") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  CHECK(message_of([&] { PgvectorVectors vectors(pool); }) ==
        pool.name() + ": holds no vectors; penstock backfill makes them");
  PgvectorVectors first(pool, "it's one", 4);
  CHECK(message_of([&] { PgvectorVectors(pool, "two", 4); }) ==
        pool.name() +
            ": holds vectors of it's one 4, not of two 4; use that --embedder, or another --store");
  CHECK(message_of([&] { PgvectorVectors(pool, "it's one", 4); }) == "no error");
  PgvectorVectors reader(pool);
  CHECK(message_of([&] { reader.require_model("it's one", 4); }) == "no error");
  const auto hits = reader.search(unit(3, 0), 1, {});
  REQUIRE_FALSE(hits.has_value());
  CHECK(hits.error().message ==
        pool.name() +
            ": holds vectors of 4 dimensions, the query has 3; use the --embedder that filled it");
}

TEST_CASE("pgvector: a server without it is told what to do") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  const auto rows = pool.run("SELECT FROM pg_available_extensions WHERE name = 'vector'");
  REQUIRE(rows.has_value());
  if (rows->size() != 0) return;  // Debian 13's has it
  CHECK_THAT(
      message_of([&] { PgvectorVectors vectors(pool, "model", 4); }),
      ContainsSubstring(
          "; install pgvector, and run CREATE EXTENSION vector in that database as superuser"));
}

}  // namespace
}  // namespace penstock
