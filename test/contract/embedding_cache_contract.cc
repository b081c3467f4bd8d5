#include "test/contract/embedding_cache_contract.h"

#include <array>
#include <vector>

#include "test/support/catch.h"

namespace penstock {

void run_embedding_cache_contract(const std::function<std::unique_ptr<EmbeddingCache>()>& open) {
  const std::unique_ptr<EmbeddingCache> cache = open();
  const EmbeddingId one = EmbeddingId::of("one", "model");
  const EmbeddingId two = EmbeddingId::of("two", "model");
  const EmbeddingId other = EmbeddingId::of("one", "another model");
  const std::array<float, 2> first{1.0f, -0.0f};
  const std::array<float, 2> second{0.6f, -0.8f};
  std::vector<float> rows(6, 7.0f);

  SECTION("an empty cache knows nothing and writes nothing") {
    CHECK(cache->find(std::vector{one, two}, rows).value() == std::vector<bool>{false, false});
    CHECK(rows == std::vector<float>(6, 7.0f));
  }

  SECTION("what was put is found bit for bit, and by its own model only") {
    REQUIRE(cache->put(std::vector<CachedEmbedding>{{one, first}, {two, second}}).has_value());
    const auto known = cache->find(std::vector{two, other, one}, rows);
    REQUIRE(known.has_value());
    CHECK(*known == std::vector<bool>{true, false, true});
    CHECK(rows == std::vector<float>{0.6f, -0.8f, 7.0f, 7.0f, 1.0f, -0.0f});
  }

  SECTION("putting the same again changes nothing") {
    for (int i = 0; i < 2; ++i)
      REQUIRE(cache->put(std::vector<CachedEmbedding>{{one, first}, {one, first}}).has_value());
    CHECK(cache->find(std::vector{one}, rows).value() == std::vector<bool>{true});
  }

  SECTION("it survives whoever wrote it") {
    REQUIRE(cache->put(std::vector<CachedEmbedding>{{two, second}}).has_value());
    CHECK(open()->find(std::vector{two}, rows).value() == std::vector<bool>{true});
  }

  SECTION("nothing is put and found of nothing") {
    CHECK(cache->put({}).has_value());
    CHECK(cache->find({}, {}).value().empty());
  }
}

}  // namespace penstock
