// What every blob store keeps to.
#pragma once

#include <string>

#include "engine/io/blob_store.h"

namespace penstock {

// `prefix` and a name is a location; there is nothing at any of them.
void run_blob_store_contract(BlobStore& blobs, const std::string& prefix);

}  // namespace penstock
