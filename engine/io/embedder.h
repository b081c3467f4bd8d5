// Turns texts into vectors. Embedded: `lexical:`. Later: any OpenAI-protocol service.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"

namespace penstock {

// What one embedding request may hold; the pack stage fills requests up to these.
struct PackLimits {
  std::size_t inputs_max = 256;
  std::uint64_t tokens_max = 300'000;
  std::uint64_t bytes_max = 8 << 20;
};

class Embedder {
 public:
  virtual ~Embedder() = default;

  // Name and parameters, part of every version's fingerprint: other model, other vectors.
  virtual std::string model() const = 0;
  virtual std::size_t dimensions() const = 0;
  virtual PackLimits limits() const = 0;

  // Row-major, inputs.size() x dimensions() float32, each row of unit length.
  using Done = std::function<void(Result<std::vector<float>>)>;

  // Starts one request. `inputs` point to text that stays alive until `done` has been called.
  // `done` is called exactly once, on any thread, possibly before embed() returns. Any thread.
  virtual void embed(std::vector<std::string_view> inputs, Done done) = 0;
};

}  // namespace penstock
