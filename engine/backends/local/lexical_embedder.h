// `lexical:`, the embedder that needs nothing: hashed words. It finds texts that share words with
// the query, in any language, and nothing that says the same in other words. Local, free, and the
// same on every machine.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/embedder.h"

namespace penstock {

class LexicalEmbedder final : public Embedder {
 public:
  explicit LexicalEmbedder(std::size_t dimensions = 384) : dimensions_(dimensions) {}

  std::string model() const override { return "lexical-" + std::to_string(dimensions_) + "-v1"; }
  std::size_t dimensions() const override { return dimensions_; }
  PackLimits limits() const override { return {64, 65'536, 65'536, 1 << 20}; }

  // Works on the calling thread, so a pack is small enough to be shared out over cores. A text
  // without words gets a fixed vector of unit length.
  void embed(std::vector<std::string_view> inputs, std::size_t key, Done done) override;

 private:
  const std::size_t dimensions_;
};

}  // namespace penstock
