// Takes one document in: streams its bytes to the blob store, in bounded memory, and sees to it
// that what was accepted is never lost (engine/io/catalog.h).
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/core/error.h"
#include "engine/http/http_server.h"
#include "engine/io/catalog.h"
#include "engine/service/call.h"
#include "engine/service/service_parts.h"

namespace penstock {

// What a document may be called: 1 to 512 bytes of UTF-8, without control characters.
bool is_document_id(std::string_view id);

// Of a call whose caller may upload; refuses what can be refused before the body.
std::unique_ptr<BodySink> begin_upload(const ServiceParts& parts, const Call& call);

// Puts entries that are not queued into the queue, and says so in the catalog and to who listens.
// Returns those that were; the others are tried again later. Blocks.
Result<std::vector<CatalogEntry>> enqueue(const ServiceParts& parts,
                                          std::span<const CatalogEntry> entries);

}  // namespace penstock
