#include "engine/io/catalog_rules.h"

#include <string>

namespace penstock {

Sha256 request_of(const CatalogEntry& entry) {
  return sha256(std::string(entry.digest.begin(), entry.digest.end()) + entry.metadata);
}

AddedEntry::How how_to_add(const CatalogEntry& entry, const std::optional<CatalogEntry>& known,
                           const std::optional<Sha256>& request) {
  using How = AddedEntry::How;
  // First of all: to a call that was carried out already, its own key is a known one.
  if (known && !known->is_removed && known->location == entry.location) return How::added;
  if (request) return *request == request_of(entry) ? How::repeated : How::conflict;
  if (!known) return How::added;
  const bool is_same = known->digest == entry.digest && known->metadata == entry.metadata;
  return is_same && !known->is_removed ? How::repeated : How::replaced;
}

tl::unexpected<Error> not_reserved(const CatalogEntry& entry) {
  return permanent_error(entry.name.id +
                         ": the upload took so long that its bytes were removed, or another came "
                         "in its place; upload it again");
}

CatalogEntry as_added(CatalogEntry entry) {
  entry.queued.reset();
  entry.is_removed = false;
  return entry;
}

}  // namespace penstock
