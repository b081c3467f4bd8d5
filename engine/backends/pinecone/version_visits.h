// Walks over the versions of an index.
#pragma once

#include <functional>

#include "engine/backends/pinecone/index_client.h"
#include "engine/io/vector_store.h"

namespace penstock {

// Calls `visit` with every version, in no order, until it returns false. A version is found by its
// ids; its key is that of one of its records, and a version that is removed meanwhile may be
// visited or not.
Result<void> visit_versions(const IndexClient& client,
                            const std::function<bool(const StoredVersion&)>& visit);

}  // namespace penstock
