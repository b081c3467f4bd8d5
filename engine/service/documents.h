// What can be asked of the documents that are there. All of it blocks, and answers its call.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "engine/io/catalog.h"
#include "engine/service/call.h"
#include "engine/service/document_view.h"
#include "engine/service/service_parts.h"

namespace penstock {

void list_documents(const ServiceParts& parts, const Call& call);
void show_document(const ServiceParts& parts, const Call& call);
// From now on nobody finds it; what is stored of it goes soon.
void remove_document(const ServiceParts& parts, const Call& call);
// Of one that failed.
void retry_document(const ServiceParts& parts, const Call& call);
// Those that wait for a person.
void list_failures(const ServiceParts& parts, const Call& call);

// What a page says of where the next one begins: MILLISECONDS.ID, which is nobody's business but
// ours, and what a client says of it. Absent: no page of ours said that.
std::string text_of(const CatalogCursor& cursor);
std::optional<CatalogCursor> cursor_from(std::string_view text);

// The caller's document that the call names; what happened, and the answer was given, if absent.
std::optional<CatalogEntry> entry_of(const ServiceParts& parts, const Call& call);
// The same, with what queue, ledger and events say.
std::optional<DocumentView> view_of(const ServiceParts& parts, const Call& call);
// Tells the service's owner why, and the caller that.
void fail(const ServiceParts& parts, const Call& call, const Error& error);
// The parameter `limit`, within bounds.
std::optional<std::size_t> limit_of(const Call& call, std::size_t otherwise, std::size_t most);

}  // namespace penstock
