// What every vector store must do (engine/io/vector_store.h).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "engine/io/vector_store.h"

namespace penstock {

inline constexpr std::size_t contract_dimensions = 4;

// What a store may have as its limits.
struct VectorStoreLimits {
  std::size_t text_bytes_max = (1 << 20) + 2;  // of a chunk
  bool lists_chunks = true;                    // or can only find them
};

// Opens the same store again each time it is called, after the one before was closed.
using OpenVectorStore = std::function<std::unique_ptr<VectorStore>()>;

// `fresh` gives a way to open a new, empty store of contract_dimensions dimensions.
void run_vector_store_contract(const std::function<OpenVectorStore()>& fresh,
                               VectorStoreLimits limits = {});

}  // namespace penstock
