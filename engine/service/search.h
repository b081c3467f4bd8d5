// The chunks that are nearest to a query.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "engine/io/ledger.h"
#include "engine/io/vector_store.h"
#include "engine/service/call.h"
#include "engine/service/service_parts.h"

namespace penstock {

// Of current versions. `accept` as of VectorStore::search(). Blocks.
Result<std::vector<Hit>> current_hits(Ledger& ledger, VectorStore& vectors,
                                      std::span<const float> query, std::size_t hits_max,
                                      const std::function<bool(const std::string&)>& accept);

// Among the caller's documents. Blocks, and answers.
void search(const ServiceParts& parts, const Call& call);

}  // namespace penstock
