#include "engine/backends/postgres/postgres_ledger.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/postgres/postgres_catalog.h"
#include "engine/backends/postgres/postgres_embeddings.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "test/contract/catalog_contract.h"
#include "test/contract/embedding_cache_contract.h"
#include "test/contract/ledger_contract.h"
#include "test/contract/postgres_parts.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

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

}  // namespace
}  // namespace penstock
