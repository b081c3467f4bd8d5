// A file that is written piece by piece and takes its place, durable, when it is whole.
#pragma once

#include <memory>
#include <string>

#include "engine/io/blob_store.h"

namespace penstock {

// Makes the folders above it. Until commit() it is a hidden file beside its place, .penstock-*.
Result<std::unique_ptr<BlobWriter>> begin_replacement(const std::string& path);

}  // namespace penstock
