#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/sqlite/sqlite_broker.h"
#include "engine/backends/sqlite/sqlite_catalog.h"
#include "engine/backends/sqlite/sqlite_embeddings.h"
#include "engine/backends/sqlite/sqlite_ledger.h"
#include "engine/backends/sqlite/sqlite_vectors.h"
#include "engine/backends/sqlite/write_batches.h"
#include "engine/backends/sqlite/write_lock.h"
#include "engine/backends/sqlite/write_turn.h"
#include "test/contract/broker_contract.h"
#include "test/contract/catalog_contract.h"
#include "test/contract/embedding_cache_contract.h"
#include "test/contract/ledger_contract.h"
#include "test/contract/vector_store_contract.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

namespace penstock {
namespace {

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const FatalError& error) {
    return error.what();
  }
  return "no error";
}

void execute(const std::string& path, const char* sql) {
  Database database(path, OpenMode::write);
  REQUIRE(database.execute(sql).has_value());
}

// While it acts no file may grow beyond this, as on a full disk.
template <typename Act>
auto on_a_full_disk(rlim_t bytes_max, const Act& act) {
  struct rlimit unlimited;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {bytes_max, unlimited.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  auto result = act();
  REQUIRE(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  std::signal(SIGXFSZ, previous);
  return result;
}

TEST_CASE("sqlite ledger: keeps the contract") {
  const TempDir folder;
  run_ledger_contract([&]() -> OpenLedger {
    return [&] { return std::make_unique<SqliteLedger>(folder.path("s.db"), OpenMode::write); };
  });
}

TEST_CASE("sqlite vectors: keep the contract") {
  const TempDir folder;
  run_vector_store_contract([&]() -> OpenVectorStore {
    return [&] {
      return std::make_unique<SqliteVectors>(folder.path("s.db"), "model", contract_dimensions);
    };
  });
}

TEST_CASE("sqlite broker: keeps the contract") {
  const TempDir folder;
  const std::string path = folder.path("q.db");
  run_broker_contract({
      [&](const BrokerOptions& options) { return std::make_unique<SqliteBroker>(path, options); },
      [&] { execute(path, "UPDATE queue SET at_ms = 0 WHERE state = 'leased'"); },
      [&] { execute(path, "UPDATE queue SET at_ms = 0 WHERE state = 'delayed'"); },
  });
}

TEST_CASE("sqlite catalog: keeps the contract") {
  const TempDir folder;
  run_catalog_contract([&]() -> OpenCatalog {
    return [&] { return std::make_unique<SqliteCatalog>(folder.path("s.db")); };
  });
}

TEST_CASE("sqlite catalog: a full disk refuses an upload that can be made again") {
  const TempDir folder;
  SqliteCatalog catalog(folder.path("s.db"));
  CatalogEntry entry;
  entry.name = {"us", "a"};
  entry.location = "somewhere";
  // More than the cache of pages: the disk is met in the middle of the transaction.
  entry.metadata = std::string(GENERATE(1 << 20, 8 << 20), 'm');
  REQUIRE(catalog.reserve(entry.location, WallTime()).has_value());
  const auto refused = on_a_full_disk(1 << 20, [&] { return catalog.add(entry, "key"); });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::retryable);
  CHECK_FALSE(catalog.find(entry.name)->has_value());
  const auto added = catalog.add(entry, "key");
  REQUIRE(added.has_value());
  CHECK(added->how == AddedEntry::How::added);
}

TEST_CASE("sqlite: writes that share a transaction are each whole by themselves") {
  const TempDir folder;
  Database database(folder.path("s.db"), OpenMode::write);
  WriteBatches batches(database);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 50; ++turn) {
        const std::string name = std::to_string(i) + "/" + std::to_string(turn);
        const bool fails = turn % 2 == 0;
        const Result<void> done = batches.write([&]() -> Result<void> {
          const std::string sql = "INSERT INTO settings VALUES ('" + name + "', '')";
          if (auto put = database.execute(sql.c_str()); !put) return put;
          return fails ? permanent_error(name) : Result<void>();
        });
        if (fails ? done || done.error().message != name : !done) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  Statement rows = database.prepare(
      "SELECT count(*), sum(substr(name, 3) % 2) FROM settings WHERE name LIKE '%/%'");
  REQUIRE(rows.step().has_value());
  CHECK(rows.integer(0) == 200);
  CHECK(rows.integer(1) == 200);
}

TEST_CASE("sqlite broker: what a full disk refused can be enqueued later") {
  const TempDir folder;
  SqliteBroker broker(folder.path("q.db"), {});
  Claim claim;
  claim.key = "a";
  // More than the cache of pages: the disk is met in the middle of the transaction.
  claim.metadata = std::string(GENERATE(1 << 20, 8 << 20), 'm');
  const auto refused = on_a_full_disk(1 << 20, [&] {
    return broker.enqueue({&claim, 1}, Lane::bulk);
  });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::retryable);
  CHECK(broker.state()->bulk.waiting == 0);
  const auto enqueued = broker.enqueue({&claim, 1}, Lane::bulk);
  REQUIRE(enqueued.has_value());
  CHECK(enqueued->front() == Enqueued::queued);
  CHECK(broker.state()->bulk.waiting == 1);
}

TEST_CASE("sqlite broker: many threads that enqueue and claim at once lose no document") {
  const TempDir folder;
  BrokerOptions options;
  options.worker = "w";
  SqliteBroker broker(folder.path("q.db"), options);
  constexpr int each = 50;
  int taken = 0;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < each; ++turn) {
        Claim claim;
        claim.key = std::to_string(i) + "/" + std::to_string(turn);
        const auto enqueued = broker.enqueue({&claim, 1}, Lane::bulk);
        if (!enqueued || enqueued->front() != Enqueued::queued) ++wrong;
      }
    });
  }
  WorkQueue& bulk = broker.queue(Lane::bulk);
  while (const auto claim = bulk.claim()) {
    bulk.acknowledge(*claim, Outcome::done, {});
    if (++taken == 4 * each) bulk.close();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(taken == 4 * each);
}

TEST_CASE("sqlite: who writes waits until it is its turn") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  SqliteCatalog catalog(path);
  WriteTurn turn(path);
  turn.begin();
  std::atomic<bool> is_started{false};
  std::atomic<bool> has_ended{false};
  bool ended_before = false;
  std::thread writer([&] {
    is_started = true;
    if (catalog.reserve("a", WallTime())) ended_before = has_ended;
  });
  while (!is_started) std::this_thread::yield();
  // A reader needs no turn.
  CHECK(catalog.totals("").has_value());
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  has_ended = true;
  turn.end();
  writer.join();
  CHECK(ended_before);
}

TEST_CASE("sqlite broker: what could not be delivered is delivered later") {
  const TempDir folder;
  const std::string path = folder.path("q.db");
  BrokerOptions options;
  options.worker = "w";
  SqliteBroker broker(path, options);
  std::vector<Claim> documents(2);
  documents[0].key = "a";
  documents[1].key = "b";
  REQUIRE(broker.enqueue(documents, Lane::bulk).has_value());
  WorkQueue& bulk = broker.queue(Lane::bulk);
  const auto wait_for = [&](std::uint64_t leased) {
    while (broker.state()->bulk.leased != leased) std::this_thread::yield();
  };
  execute(path,
          "CREATE TRIGGER refuse BEFORE DELETE ON queue WHEN old.key = 'a' "
          "BEGIN SELECT RAISE(ABORT, 'as a full disk would'); END");
  while (const auto claim = bulk.claim()) {
    bulk.acknowledge(*claim, Outcome::done, {});
    if (claim->key == "b") break;
  }
  wait_for(1);
  execute(path, "DROP TRIGGER refuse");
  wait_for(0);
  CHECK(broker.state()->bulk.waiting == 0);
}

TEST_CASE("sqlite: a store that does not exist is not made by reading it") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  CHECK(message_of([&] { SqliteLedger(path, OpenMode::read); }) ==
        path + " does not exist; penstock backfill makes it");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("sqlite: a store in no folder is an error that names it") {
  const TempDir folder;
  const std::string path = folder.path("no/s.db");
  CHECK(message_of([&] { SqliteLedger(path, OpenMode::write); }) ==
        path + ": cannot be opened; check its permissions, and that its folder exists");
}

TEST_CASE("sqlite: another program's file is refused and left alone") {
  const TempDir folder;
  const std::string text = folder.write("notes.txt", std::string(5000, 'n'));
  CHECK(message_of([&] { SqliteLedger(text, OpenMode::write); }) ==
        text + ": not a penstock store; choose another --store");
  const std::string foreign = folder.path("s.db");
  SqliteLedger(foreign, OpenMode::write);
  execute(foreign, "PRAGMA application_id = 7");
  CHECK(message_of([&] { SqliteLedger(foreign, OpenMode::write); }) ==
        foreign + ": not a penstock store; choose another --store");
  CHECK(message_of([&] { SqliteLedger(foreign, OpenMode::read); }) ==
        foreign + ": not a penstock store; choose another --store");
}

TEST_CASE("sqlite: a newer schema is refused") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  SqliteLedger(path, OpenMode::write);
  execute(path, "PRAGMA user_version = 99");
  CHECK(message_of([&] { SqliteLedger(path, OpenMode::write); }) ==
        path + ": written by a newer penstock (schema 99, this one knows 6); use that one");
}

TEST_CASE("sqlite: a store of the first schema is brought up to date") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  SqliteLedger(path, OpenMode::write);
  execute(path,
          "DROP TABLE embeddings; DROP TABLE queue; DROP TABLE queue_followers; "
          "DROP TABLE queue_workers; DROP TABLE catalog; DROP TABLE catalog_keys; "
          "DROP TABLE catalog_reserved; ALTER TABLE intents DROP COLUMN superseded; "
          "ALTER TABLE documents DROP COLUMN started_ms; "
          "ALTER TABLE documents DROP COLUMN extracted_ms; "
          "ALTER TABLE documents DROP COLUMN embedded_ms; "
          "ALTER TABLE documents DROP COLUMN stored_ms; "
          "ALTER TABLE documents DROP COLUMN done_ms; "
          "PRAGMA user_version = 1");
  CHECK(message_of([&] { SqliteLedger(path, OpenMode::read); }) ==
        path + ": written by an older penstock; penstock backfill brings it up to date");
  SqliteEmbeddings cache(path, OpenMode::write, 2, 1 << 20);
  std::vector<float> rows(2);
  CHECK(cache.find(std::vector{EmbeddingId::of("a", "model")}, rows).has_value());
}

TEST_CASE("sqlite: vectors of another model are refused") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  SqliteVectors(path, "one", 4);
  CHECK(message_of([&] { SqliteVectors(path, "two", 4); }) ==
        path + ": holds vectors of one 4, not of two 4; use that --embedder, or another --store");
  CHECK(message_of([&] { SqliteVectors(path, "one", 4); }) == "no error");
}

TEST_CASE("sqlite: a second writer is told who the first is") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  {
    const WriteLock first(path);
    CHECK(message_of([&] { WriteLock second(path); }) ==
          path + ": in use by another penstock (process " + std::to_string(getpid()) +
              "); wait for it to finish, or stop it");
  }
  CHECK(message_of([&] { WriteLock third(path); }) == "no error");
}

TEST_CASE("sqlite: a full disk is an error that loses nothing") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  SqliteLedger ledger(path, OpenMode::write);
  DocumentRecord record;
  record.claim.key = "a";
  REQUIRE(ledger.record(std::vector<DocumentRecord>{record}).has_value());

  std::vector<DocumentRecord> many(4000);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].claim.key = std::to_string(i);
    many[i].message = std::string(1000, 'm');
  }
  const auto refused = on_a_full_disk(1 << 20, [&] { return ledger.record(many); });

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::retryable);
  CHECK(refused.error().message.substr(0, path.size()) == path);
  CHECK(ledger.find("a")->has_value());
  CHECK_FALSE(ledger.find("0")->has_value());
  CHECK(ledger.record(many).has_value());
}

TEST_CASE("sqlite: a writer that is killed leaves whole transactions") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  for (int round = 0; round < 5; ++round) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    const pid_t child = fork();
    if (child == 0) {
      SqliteLedger ledger(path, OpenMode::write);
      for (std::uint32_t i = 1;; ++i) {
        std::vector<DocumentRecord> pair(2);
        pair[0].claim = {"left", {}, {}, {i, 0, 0}};
        pair[1].claim = {"right", {}, {}, {i, 0, 0}};
        if (!ledger.record(pair)) _exit(1);
        if (write(pipes[1], "x", 1) != 1) _exit(1);
      }
    }
    close(pipes[1]);  // a child that fails ends the reading
    char progress[20];
    ssize_t got = 0;
    for (ssize_t step = 1; step > 0 && got < 20 + round; got += step)
      step = read(pipes[0], progress, sizeof progress);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(pipes[0]);
    REQUIRE(got >= 20 + round);
    SqliteLedger ledger(path, OpenMode::write);
    CHECK(ledger.check_integrity().has_value());
    CHECK((*ledger.find("left"))->claim.stamp.bytes == (*ledger.find("right"))->claim.stamp.bytes);
  }
}

TEST_CASE("sqlite embeddings: keep the contract") {
  const TempDir folder;
  run_embedding_cache_contract([&] {
    return std::make_unique<SqliteEmbeddings>(folder.path("s.db"), OpenMode::write, 2, 1 << 20);
  });
}

TEST_CASE("sqlite embeddings: a full cache forgets the oldest") {
  const TempDir folder;
  constexpr std::size_t row_bytes = 2 * sizeof(float) + 128;
  SqliteEmbeddings cache(folder.path("s.db"), OpenMode::write, 2, 3 * row_bytes);
  std::vector<EmbeddingId> ids;
  for (const char* text : {"a", "b", "c", "d", "e"}) ids.push_back(EmbeddingId::of(text, "model"));
  const std::vector<float> vector{0.6f, 0.8f};
  for (const EmbeddingId& id : ids)
    REQUIRE(cache.put(std::vector<CachedEmbedding>{{id, vector}}).has_value());
  std::vector<float> rows(10);
  CHECK(cache.find(ids, rows).value() == std::vector<bool>{false, false, true, true, true});
}

TEST_CASE("sqlite embeddings: vectors of another length are not found") {
  const TempDir folder;
  const std::string path = folder.path("s.db");
  const EmbeddingId id = EmbeddingId::of("a", "model");
  const std::vector<float> vector{0.6f, 0.8f};
  REQUIRE(SqliteEmbeddings(path, OpenMode::write, 2, 1 << 20)
              .put(std::vector<CachedEmbedding>{{id, vector}})
              .has_value());
  std::vector<float> rows(3);
  SqliteEmbeddings other(path, OpenMode::write, 3, 1 << 20);
  CHECK(other.find(std::vector{id}, rows).value() == std::vector<bool>{false});
}

}  // namespace
}  // namespace penstock
