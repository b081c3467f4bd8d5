// What comes of an addition to a catalog: the same in all of them.
#pragma once

#include <optional>

#include "engine/core/sha256.h"
#include "engine/io/catalog.h"

namespace penstock {

// What is remembered of a request with an idempotency key: its content and metadata, as one digest.
Sha256 request_of(const CatalogEntry& entry);

// `known` has the entry's name; `request` is what its idempotency key was used for before.
AddedEntry::How how_to_add(const CatalogEntry& entry, const std::optional<CatalogEntry>& known,
                           const std::optional<Sha256>& request);

// Why the entry's location cannot be added.
tl::unexpected<Error> not_reserved(const CatalogEntry& entry);

// The entry as a catalog takes it in.
CatalogEntry as_added(CatalogEntry entry);

}  // namespace penstock
