// The body of an answer with vectors, right or wrong in one of the ways in which services are.
#pragma once

#include <optional>
#include <string>

#include "loadgen/emulate/embeddings_request.h"
#include "loadgen/emulate/fault_plan.h"

namespace penstock {

// The vectors are those of LexicalEmbedder. `flaw` is a fault of the body: malformed, wrong_count,
// wrong_dimension or duplicate_index; others make no difference to it. Any thread.
std::string embeddings_answer(const EmbeddingsRequest& request,
                              std::optional<FaultKind> flaw = std::nullopt);

}  // namespace penstock
