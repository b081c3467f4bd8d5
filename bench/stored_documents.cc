#include "bench/stored_documents.h"

#include <cmath>
#include <random>

namespace penstock {

std::vector<float> unit_vectors(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count * stored_dimensions);
  for (std::size_t row = 0; row < count; ++row) {
    float squares = 0;
    for (std::size_t i = row * stored_dimensions; i < (row + 1) * stored_dimensions; ++i) {
      vectors[i] = normal(random);
      squares += vectors[i] * vectors[i];
    }
    for (std::size_t i = row * stored_dimensions; i < (row + 1) * stored_dimensions; ++i)
      vectors[i] /= std::sqrt(squares);
  }
  return vectors;
}

StoredDocuments::StoredDocuments(std::size_t count)
    : text_(2'000, 'x'), vectors_(unit_vectors(count * chunks_each)), chunks_(chunks_each) {
  for (std::size_t i = 0; i < chunks_each; ++i) {
    chunks_[i].ordinal = static_cast<std::uint32_t>(i);
    chunks_[i].tokens = 512;
    chunks_[i].text = text_;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key = "/documents/" + std::to_string(i) + ".pdf";
    versions_.push_back({key, VersionId::of(key, "bench"), chunks_,
                         std::span(vectors_).subspan(i * chunks_each * stored_dimensions,
                                                     chunks_each * stored_dimensions)});
  }
}

}  // namespace penstock
