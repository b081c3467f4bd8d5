// What every embedding cache keeps to.
#pragma once

#include <functional>
#include <memory>

#include "engine/io/embedding_cache.h"

namespace penstock {

// `open` opens the same cache again, of two dimensions and without a bound that matters.
void run_embedding_cache_contract(const std::function<std::unique_ptr<EmbeddingCache>()>& open);

}  // namespace penstock
