#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/backends/postgres/pgvector_vectors.h"
#include "engine/backends/postgres/postgres_pool.h"
#include "test/contract/postgres_parts.h"
#include "test/contract/vector_store_contract.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

TEST_CASE("pgvector vectors: keep the contract") {
  TestDatabase* const database = cleared_database(with_pgvector);
  if (!database) return;
  PostgresPool pool({.url = database->url()});
  run_vector_store_contract([&]() -> OpenVectorStore {
    return [&] { return std::make_unique<PgvectorVectors>(pool, "model", contract_dimensions); };
  });
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
