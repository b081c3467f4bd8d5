#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/postgres/pgvector_vectors.h"
#include "engine/backends/postgres/postgres_catalog.h"
#include "engine/backends/postgres/postgres_embeddings.h"
#include "engine/backends/postgres/postgres_ledger.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "test/contract/catalog_contract.h"
#include "test/contract/embedding_cache_contract.h"
#include "test/contract/ledger_contract.h"
#include "test/contract/vector_store_contract.h"
#include "test/support/catch.h"
#include "test/support/test_postgres.h"

namespace penstock {
namespace {

constexpr const char* direct = "PENSTOCK_TEST_POSTGRES";
constexpr const char* pooled = "PENSTOCK_TEST_PGBOUNCER";
constexpr const char* with_pgvector = "PENSTOCK_TEST_PGVECTOR";

// A database on the server that the variable names; absent where there is none.
std::unique_ptr<TestDatabase> fresh_database(const char* variable) {
  const std::optional<std::string> url = test_postgres_url(variable);
  if (!url) return nullptr;
  const auto direct_url = variable == pooled ? test_postgres_url(direct) : url;
  if (!direct_url) return nullptr;
  return std::make_unique<TestDatabase>(*url, *direct_url);
}

// The same one each time, empty again. Absent where there is no server.
TestDatabase* cleared_database(const char* variable) {
  // libpqxx makes statics of its own with its first query: inside the initializer, so that they
  // outlive this one.
  static std::map<std::string, std::unique_ptr<TestDatabase>> databases = [&] {
    std::map<std::string, std::unique_ptr<TestDatabase>> made;
    made[variable] = fresh_database(variable);
    return made;
  }();
  std::unique_ptr<TestDatabase>& database = databases[variable];
  if (!database) database = fresh_database(variable);
  if (database) database->clear();
  return database.get();
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const FatalError& error) {
    return error.what();
  }
  return "no error";
}

VersionId version(std::string_view content) {
  return VersionId::of(content, "test");
}

DocumentRecord done(const std::string& key, const VersionId& id) {
  DocumentRecord record;
  record.claim = {key, key, {}, {1, 0, 0}};
  record.outcome = Outcome::done;
  record.current = CurrentVersion{id, 1, 1, 1};
  return record;
}

std::vector<float> unit(std::size_t dimensions, std::size_t axis) {
  std::vector<float> vector(dimensions);
  vector[axis] = 1;
  return vector;
}

void upsert(VectorStore& store, const std::string& key, const std::vector<float>& vector) {
  Chunk chunk;
  chunk.text = "text";
  const std::vector<VersionChunks> versions = {
      {key, version(key), std::span(&chunk, 1), std::span(vector)}};
  const auto stored = store.upsert(versions);
  INFO((stored ? "" : stored.error().message));
  REQUIRE(stored.has_value());
}

std::string stored_text(PostgresPool& pool, const std::string& sql) {
  const auto rows = pool.run(sql);
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 1);
  return std::string(rows->text(0, 0));
}

TEST_CASE("postgres ledger: keeps the contract") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  run_ledger_contract(
      [&]() -> OpenLedger { return [&] { return std::make_unique<PostgresLedger>(pool); }; });
}

TEST_CASE("postgres catalog: keeps the contract") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  run_catalog_contract(
      [&]() -> OpenCatalog { return [&] { return std::make_unique<PostgresCatalog>(pool); }; });
}

TEST_CASE("postgres embeddings: keep the contract") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  run_embedding_cache_contract(
      [&] { return std::make_unique<PostgresEmbeddings>(pool, 2, 1 << 20); });
}

TEST_CASE("pgvector vectors: keep the contract") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  run_vector_store_contract([&]() -> OpenVectorStore {
    return [&] { return std::make_unique<PgvectorVectors>(pool, "model", contract_dimensions); };
  });
}

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

TEST_CASE("postgres ledger: any key and any bytes come back") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  const std::vector<std::string> keys = {"",     "NULL", "null",      "a,b",  "{a}",  "\"quoted\"",
                                         "it's", "\\N",  "back\\x00", " sp ", "a\nb", "😀 漢字"};
  std::vector<VersionName> intents;
  std::vector<DocumentRecord> records;
  for (const std::string& key : keys) {
    intents.push_back({key, version(key)});
    records.push_back(done(key, version(key)));
    records.back().claim.location = "/bytes\xff\\\"" + key;
    records.back().message = key;
    records.back().claim.metadata = "{\"key\":\"" + key + "\"}";
  }
  REQUIRE(ledger.intend(intents).has_value());
  CHECK(ledger.record(records)->empty());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto found = ledger.find(keys[i]);
    REQUIRE((found.has_value() && found->has_value()));
    CHECK((*found)->claim.location == records[i].claim.location);
    CHECK((*found)->claim.metadata == records[i].claim.metadata);
    CHECK((*found)->message == keys[i]);
    CHECK((*found)->current->id == version(keys[i]));
  }
  REQUIRE(ledger.clear_intents(intents).has_value());
  CHECK(ledger.intents()->empty());
}

TEST_CASE("postgres ledger: what is no text in a message is marked") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  DocumentRecord record;
  record.claim.key = "a";
  record.message = std::string("nul \0 byte", 10);
  record.claim.metadata = "cut \xe6\xbc, alone \x80, whole é, surrogate \xed\xa0\x80";
  REQUIRE(ledger.record(std::vector{record}).has_value());
  const DocumentRecord found = ledger.find("a")->value();
  CHECK(found.message == "nul \uFFFD byte");
  CHECK(found.claim.metadata ==
        "cut \uFFFD\uFFFD, alone \uFFFD, whole é, surrogate \uFFFD\uFFFD\uFFFD");
}

TEST_CASE("postgres ledger: a key that Postgres cannot hold is refused by name") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  DocumentRecord record;
  record.claim.key = "bad \xff key";
  const auto refused = ledger.record(std::vector{record});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::permanent);
  CHECK(refused.error().message ==
        "bad \uFFFD key: the key is not valid UTF-8; rename the document");
  const auto too_long = ledger.intend(std::vector<VersionName>{{std::string(2601, 'k'), {}}});
  REQUIRE_FALSE(too_long.has_value());
  CHECK_THAT(too_long.error().message, ContainsSubstring("a key of 2601 bytes"));
  // Nothing in it repeats, so nothing of it is compressed away.
  std::string longest;
  for (int i = 0; longest.size() < 2600; ++i) longest += version(std::to_string(i)).hex();
  longest.resize(2600);
  CHECK(ledger.intend(std::vector<VersionName>{{longest, {}}}).has_value());
}

TEST_CASE("postgres ledger: pages do not show when all records are visited") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  std::vector<DocumentRecord> records(1'200);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].claim.key = std::to_string(i);
    keys.push_back(records[i].claim.key);
  }
  REQUIRE(ledger.record(records).has_value());
  std::ranges::sort(keys);
  std::vector<std::string> visited;
  REQUIRE(ledger
              .for_each([&](const DocumentRecord& each) {
                visited.push_back(each.claim.key);
                return true;
              })
              .has_value());
  CHECK(visited == keys);
}

TEST_CASE("postgres ledger: a document twice in a batch is two attempts") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  DocumentRecord first;
  first.claim.key = "a";
  DocumentRecord second = first;
  second.outcome = Outcome::corrupt;
  REQUIRE(ledger.record(std::vector{first, second}).has_value());
  CHECK(ledger.find("a")->value().outcome == Outcome::corrupt);
  CHECK(ledger.find("a")->value().attempts == 2);
}

TEST_CASE("postgres ledger: of writers that race the one that intended last is current") {
  TestDatabase* const database = cleared_database(GENERATE(direct, pooled));
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger ledger(pool);
  std::atomic<int> failures{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      PostgresPool own_pool({.url = database->url(), .connections_max = 1});
      PostgresLedger own(own_pool);
      for (int i = 0; i < 40; ++i) {
        const VersionId id = version(std::to_string(writer) + " " + std::to_string(i));
        std::vector<std::string> keys = {"a", "b", "c"};
        if ((writer + i) % 2 == 0) std::ranges::reverse(keys);
        std::vector<VersionName> intents;
        std::vector<DocumentRecord> records;
        for (const std::string& key : keys) {
          intents.push_back({key, id});
          records.push_back(done(key, id));
        }
        if (!own.intend(intents) || !own.record(records)) ++failures;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
  // Whoever intended last came after all others, and so was not refused.
  CHECK(stored_text(pool,
                    "SELECT count(*) FROM penstock.documents JOIN penstock.intents USING (key) "
                    "WHERE current = version") == "3");
}

TEST_CASE("postgres ledger: who intends waits for who is just recording") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PostgresLedger first(pool);
  PostgresLedger second(pool);
  // Holds the first record up after it was found to be intended, before it is stored.
  REQUIRE(pool.run("CREATE FUNCTION penstock.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "IF NEW.message = 'slow' THEN PERFORM pg_advisory_xact_lock(7); END IF; "
                   "RETURN NEW; END $$; "
                   "CREATE TRIGGER hold BEFORE INSERT ON penstock.documents "
                   "FOR EACH ROW EXECUTE FUNCTION penstock.hold()")
              .has_value());
  const auto waiting = [&] {
    return stored_text(database->server(),
                       "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                       "AND datname = '" +
                           database->name() + "'");
  };
  const VersionId one = version("one");
  const VersionId two = version("two");
  REQUIRE(first.intend(std::vector<VersionName>{{"a", one}}).has_value());
  std::atomic<bool> second_is_done{false};
  std::thread slow;
  std::thread later;
  const auto held = pool.transact([&](PostgresConnection& connection) -> Result<void> {
    if (auto locked = connection.run("SELECT pg_advisory_xact_lock(7)"); !locked)
      return pass_on(locked.error());
    slow = std::thread([&] {
      DocumentRecord record = done("a", one);
      record.message = "slow";
      static_cast<void>(first.record(std::vector{record}).has_value());
    });
    while (waiting() != "1") std::this_thread::yield();
    later = std::thread([&] {
      if (second.intend(std::vector<VersionName>{{"a", two}}))
        static_cast<void>(second.record(std::vector{done("a", two)}).has_value());
      second_is_done = true;
    });
    while (waiting() != "2" && !second_is_done) std::this_thread::yield();
    return {};
  });
  slow.join();
  later.join();
  REQUIRE(held.has_value());
  CHECK(first.find("a")->value().current->id == two);
  CHECK(first.find("a")->value().attempts == 2);
}

TEST_CASE("postgres embeddings: a full cache forgets the oldest") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  constexpr std::size_t row_bytes = 2 * sizeof(float) + 256;
  PostgresEmbeddings cache(pool, 2, 3 * row_bytes);
  std::vector<EmbeddingId> ids;
  for (const char* text : {"a", "b", "c", "d", "e"}) ids.push_back(EmbeddingId::of(text, "model"));
  const std::vector<float> vector{0.6f, 0.8f};
  for (const EmbeddingId& id : ids) {
    REQUIRE(cache.put(std::vector<CachedEmbedding>{{id, vector}}).has_value());
    // What is known already takes no room.
    REQUIRE(cache.put(std::vector<CachedEmbedding>{{id, vector}}).has_value());
  }
  std::vector<float> rows(10);
  CHECK(cache.find(ids, rows).value() == std::vector<bool>{false, false, true, true, true});
}

TEST_CASE("postgres embeddings: vectors of another length are not found") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  const EmbeddingId id = EmbeddingId::of("a", "model");
  const std::vector<float> vector{0.6f, 0.8f};
  REQUIRE(PostgresEmbeddings(pool, 2, 1 << 20)
              .put(std::vector<CachedEmbedding>{{id, vector}})
              .has_value());
  std::vector<float> rows(3);
  CHECK(PostgresEmbeddings(pool, 3, 1 << 20).find(std::vector{id}, rows).value() ==
        std::vector<bool>{false});
}

TEST_CASE("postgres embeddings: writers of the same vectors do not stop each other") {
  TestDatabase* const database = cleared_database(direct);
  if (!database) return;
  std::atomic<int> failures{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      PostgresPool pool({.url = database->url(), .connections_max = 1});
      PostgresEmbeddings cache(pool, 2, 20 * (2 * sizeof(float) + 256));
      const std::vector<float> vector{0.6f, 0.8f};
      for (int i = 0; i < 40; ++i) {
        std::vector<CachedEmbedding> embeddings;
        for (int j = 0; j < 10; ++j)
          embeddings.push_back({EmbeddingId::of(std::to_string(i + j), "model"), vector});
        if (writer % 2 == 0) std::ranges::reverse(embeddings);
        if (!cache.put(embeddings)) ++failures;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
}

TEST_CASE("pgvector: writers of one version leave one whole") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PgvectorVectors vectors(pool, "model", 4);
  std::atomic<int> failures{0};
  std::vector<std::thread> writers;
  for (std::size_t writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      PostgresPool own_pool({.url = database->url(), .connections_max = 1});
      PgvectorVectors own(own_pool, "model", 4);
      std::vector<Chunk> chunks(3 + writer);
      std::vector<float> rows;
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        chunks[i].ordinal = static_cast<std::uint32_t>(i);
        chunks[i].text = "text";
        for (const float value : unit(4, 0)) rows.push_back(value);
      }
      for (int i = 0; i < 20; ++i) {
        const std::vector<VersionChunks> versions = {{"a", version("a"), chunks, rows},
                                                     {"b", version("b"), chunks, rows}};
        const std::vector<VersionName> names = {{"b", version("b")}, {"a", version("a")}};
        if (writer == 2 ? !own.remove(names) : !own.upsert(versions)) ++failures;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
  upsert(vectors, "a", unit(4, 1));
  const std::vector<VersionName> names = {{"a", version("a")}, {"b", version("b")}};
  CHECK(vectors.count(names)->front().chunks == 1);
  REQUIRE(vectors.remove(names).has_value());
  CHECK(vectors.totals()->chunks == 0);
}

TEST_CASE("pgvector: a version twice in a batch is stored once as it was last") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PgvectorVectors vectors(pool, "model", 4);
  std::vector<Chunk> chunk(1);
  const std::vector<float> first = unit(4, 0);
  const std::vector<float> last = unit(4, 1);
  const std::vector<VersionChunks> versions = {{"a", version("a"), chunk, first},
                                               {"a", version("a"), chunk, last}};
  REQUIRE(vectors.upsert(versions).has_value());
  CHECK(vectors.totals()->chunks == 1);
  CHECK(vectors.search(last, 1, {})->front().score == Approx(1.0f));
}

TEST_CASE("pgvector: an index of any length of vector finds what an exact search finds") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  const std::size_t dimensions = GENERATE(4, 2'001, 4'001);
  PostgresPool pool({.url = database->url()});
  PgvectorVectors vectors(pool, "model", dimensions);
  for (std::size_t axis = 0; axis < 4; ++axis)
    upsert(vectors, std::to_string(axis), unit(dimensions, axis));
  REQUIRE(vectors.build_index().has_value());
  REQUIRE(vectors.build_index().has_value());
  std::vector<float> query(dimensions);
  query[2] = 0.8f;
  query[1] = 0.6f;
  const auto hits = vectors.search(query, 2, {});
  REQUIRE(hits.has_value());
  REQUIRE(hits->size() == 2);
  CHECK((*hits)[0].key == "2");
  CHECK((*hits)[1].key == "1");
  CHECK((*hits)[1].score == Approx(0.6f));
}

TEST_CASE("pgvector: among many equal vectors a filtered search loses none") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  PgvectorVectors vectors(pool, "model", 4);
  // More than are searched one by one; what is accepted is far from the query.
  constexpr std::size_t count = 4'500;
  std::vector<Chunk> chunk(1);
  chunk[0].text = "text";
  const std::vector<float> near = unit(4, 0);
  const std::vector<float> far{0.6f, 0.8f, 0, 0};
  std::vector<VersionChunks> versions;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key = (i % 2 == 0 ? "far " : "near ") + std::to_string(i);
    versions.push_back({key, version(key), chunk, i % 2 == 0 ? far : near});
  }
  REQUIRE(vectors.upsert(versions).has_value());
  REQUIRE(vectors.build_index().has_value());
  REQUIRE(pool.run("ANALYZE penstock.chunks").has_value());
  const auto hits =
      vectors.search(near, 20, [](const std::string& key) { return key.starts_with("far"); });
  REQUIRE(hits.has_value());
  CHECK(hits->size() == 20);
  for (const Hit& hit : *hits) CHECK(hit.key.substr(0, 3) == "far");
}

}  // namespace
}  // namespace penstock
