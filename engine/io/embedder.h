// Turns texts into vectors. Embedded: `lexical:`. Real: any service that speaks OpenAI's protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"
#include "engine/io/receipt.h"

namespace penstock {

// What one embedding request may hold; the pack stage fills requests up to these.
struct PackLimits {
  std::size_t inputs_max = 256;
  // Of exact tokens, and of tokens as a provider estimates them before it counts: a quarter token
  // a byte (OpenAI). Both bind.
  std::uint64_t tokens_max = 300'000;
  std::uint64_t estimated_tokens_max = 300'000;
  std::uint64_t bytes_max = 8 << 20;
};

struct Embedding {
  Receipt receipt;
  // Row-major, inputs x dimensions() float32, each row of unit length. Exactly that many if the
  // answer is `embedded`, else none.
  std::vector<float> vectors;
  std::string message;  // why there are no vectors, in one line that names the endpoint
};

class Embedder {
 public:
  virtual ~Embedder() = default;

  // Name and parameters, part of every version's fingerprint: other model, other vectors.
  virtual std::string model() const = 0;
  virtual std::size_t dimensions() const = 0;
  virtual PackLimits limits() const = 0;

  using Done = std::function<void(Embedding)>;

  // Starts one request with the key of this index (Grant::key; 0 where there are no keys), and
  // tries once: whoever asks decides about another attempt. `inputs` point to text that stays alive
  // until `done` has been called. `done` is called exactly once, on any thread, possibly before
  // embed() returns; it must not block. Any thread.
  virtual void embed(std::vector<std::string_view> inputs, std::size_t key, Done done) = 0;
};

}  // namespace penstock
