// How busy the store was, by what the system told of its documents.
#pragma once

#include "loadgen/run_record.h"

namespace penstock {

// Sets store_busy of each sample but the first: the part of the time since the one before in which
// a document at least had all of its vectors and was not stored yet. One thread of a worker writes,
// so whatever waits for it waits behind a write.
void add_store_use(RunRecord& run);

}  // namespace penstock
