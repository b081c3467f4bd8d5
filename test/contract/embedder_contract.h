// What every embedder must do (engine/io/embedder.h).
#pragma once

#include "engine/io/embedder.h"

namespace penstock {

void run_embedder_contract(Embedder& embedder);

}  // namespace penstock
