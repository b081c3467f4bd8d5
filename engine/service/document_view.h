// A document as its users see it: what the catalog, the queue and the ledger say of it together.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"
#include "engine/http/json.h"
#include "engine/io/broker.h"
#include "engine/io/catalog.h"
#include "engine/io/ledger.h"

namespace penstock {

// received: not in the queue yet. retrying: an attempt failed, and another is due.
enum class DocumentState { received, queued, processing, retrying, done, failed };

constexpr std::string_view name_of(DocumentState state) {
  constexpr std::string_view names[] = {"received", "queued", "processing",
                                        "retrying", "done",   "failed"};
  return names[static_cast<std::size_t>(state)];
}

struct DocumentView {
  CatalogEntry entry;
  DocumentState state = DocumentState::received;
  std::optional<Outcome> outcome;  // of what is done or failed
  std::string message;
  std::uint32_t attempts = 0;
  DocumentTimes times;                    // of this content
  std::optional<CurrentVersion> current;  // likewise
};

// The document's name in queue, ledger and vectors, and back.
std::string key_of(const CatalogName& name);
// Absent: no document of a service.
std::optional<CatalogName> name_of_key(std::string_view key);

// What the queue is told of an entry. A removed one is claimed for removal.
Claim claim_of(const CatalogEntry& entry);

// Blocks. Any thread.
Result<std::vector<DocumentView>> views_of(std::span<const CatalogEntry> entries, Broker& broker,
                                           Ledger& ledger);

// 2026-11-28T01:02:03.456Z
std::string text_of(WallTime time);
// Sat, 28 Nov 2026 01:02:03 GMT
std::string http_date(WallTime time);
Json json_of(const DocumentView& view);

}  // namespace penstock
