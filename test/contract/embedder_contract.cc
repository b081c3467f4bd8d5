#include "test/contract/embedder_contract.h"

#include <cmath>
#include <future>
#include <string>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

std::vector<float> embed(Embedder& embedder, const std::vector<std::string_view>& inputs) {
  std::promise<Embedding> promise;
  embedder.embed(inputs, 0, [&](Embedding embedding) { promise.set_value(std::move(embedding)); });
  Embedding embedding = promise.get_future().get();
  REQUIRE(embedding.receipt.answer == Answer::embedded);
  return std::move(embedding.vectors);
}

}  // namespace

void run_embedder_contract(Embedder& embedder) {
  const std::size_t dimensions = embedder.dimensions();

  SECTION("each input gets a row of unit length") {
    const std::vector<std::string_view> inputs = {"The mill by the river.", "水車は川の力で回る。",
                                                  "!!!", "a"};
    const std::vector<float> vectors = embed(embedder, inputs);
    REQUIRE(vectors.size() == inputs.size() * dimensions);
    for (std::size_t row = 0; row < inputs.size(); ++row) {
      double squares = 0;
      for (std::size_t i = 0; i < dimensions; ++i)
        squares += vectors[row * dimensions + i] * vectors[row * dimensions + i];
      CHECK(std::abs(squares - 1.0) < 1e-4);
    }
  }

  SECTION("a text has the same vector in any company") {
    const std::vector<float> alone = embed(embedder, {"The gate of the penstock."});
    const std::vector<float> together =
        embed(embedder, {"Something else.", "The gate of the penstock."});
    for (std::size_t i = 0; i < dimensions; ++i)
      CHECK(std::abs(alone[i] - together[dimensions + i]) < 1e-5f);
  }

  SECTION("no input gives no row") {
    CHECK(embed(embedder, {}).empty());
  }

  SECTION("limits leave room for at least one input") {
    CHECK(embedder.limits().inputs_max > 0);
    CHECK(embedder.limits().tokens_max > 0);
    CHECK(embedder.limits().bytes_max > 0);
  }
}

}  // namespace penstock
