#include <cmath>
#include <string>
#include <vector>

#include "engine/backends/local/lexical_embedder.h"
#include "engine/backends/sqlite/nearest.h"
#include "fixtures/articles.h"
#include "test/contract/embedder_contract.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

std::vector<float> embed(const std::vector<std::string_view>& inputs) {
  LexicalEmbedder embedder;
  std::vector<float> vectors;
  embedder.embed(inputs, 0, [&](Embedding result) { vectors = std::move(result.vectors); });
  return vectors;
}

float similarity(std::string_view a, std::string_view b) {
  const std::vector<float> vectors = embed({a, b});
  const std::size_t half = vectors.size() / 2;
  return dot_scalar(vectors.data(), vectors.data() + half, half);
}

TEST_CASE("lexical: keeps the contract of an embedder") {
  LexicalEmbedder embedder;
  run_embedder_contract(embedder);
}

TEST_CASE("lexical: case, punctuation and a plural s make no difference") {
  CHECK(similarity("Stream processors!", "stream processor") > 0.999f);
  CHECK(similarity("GRÖSSE ÜBER ALLES", "größe über alles") > 0.6f);
  CHECK(similarity("the process", "the proces") < 0.9f);
}

TEST_CASE("lexical: texts that share words are nearer than texts that do not") {
  const std::string_view query = "how does a token bucket limit the rate";
  CHECK(similarity(query, "A token bucket limits a rate and allows bursts.") >
        similarity(query, "Tomatoes want sun, warmth and water.") + 0.3f);
  CHECK(similarity("水車は川", "川の水車は回る") > similarity("水車は川", "空に星が光る") + 0.2f);
}

TEST_CASE("lexical: a sentence finds the article that it was taken from") {
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < fixtures::article_count; ++i)
    texts.push_back(fixtures::articles[i].text);
  const std::vector<float> rows = embed(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // The second sentence.
    const std::size_t begin = texts[i].find(". ") + 2;
    const std::string_view sentence = texts[i].substr(begin, texts[i].find('.', begin) - begin);
    const std::vector<float> query = embed({sentence});
    INFO(sentence);
    CHECK(nearest(rows, query, 1, {}).front().row == i);
  }
}

TEST_CASE("lexical: the vector of a text never changes") {
  // A changed vector makes every stored one worthless; then model() must change, too.
  const std::vector<float> vector = embed({"The gate of the penstock, opened by the miller."});
  double sum = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) sum += vector[i] * static_cast<double>(i + 1);
  CHECK(LexicalEmbedder().model() == "lexical-384-v1");
  CHECK(std::abs(sum + 136.9974995963) < 1e-3);
}

TEST_CASE("lexical: vectors are as long as they are asked for and their model says so") {
  LexicalEmbedder embedder(16);
  CHECK(embedder.model() == "lexical-16-v1");
  CHECK(embedder.dimensions() == 16);
  std::vector<float> vectors;
  embedder.embed({"one", "two"}, 0,
                 [&](Embedding embedding) { vectors = std::move(embedding.vectors); });
  CHECK(vectors.size() == 32);
}

}  // namespace
}  // namespace penstock
