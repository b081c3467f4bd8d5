#include "engine/service/documents.h"

#include <charconv>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/uri.h"
#include "engine/service/upload.h"

namespace penstock {
namespace {

constexpr std::size_t page_default = 50;
constexpr std::size_t page_max = 500;
constexpr std::size_t failures_default = 100;
constexpr std::size_t failures_max = 1'000;

// What was heard of a document that is on its way.
void add_news(const ServiceParts& parts, DocumentView& view) {
  if (view.state == DocumentState::done || view.state == DocumentState::failed) return;
  if (const auto times = parts.tracker.times_of(key_of(view.entry.name))) view.times = *times;
}

}  // namespace

std::string text_of(const CatalogCursor& cursor) {
  return std::to_string(cursor.received.time_since_epoch().count()) + '.' + cursor.id;
}

std::optional<CatalogCursor> cursor_from(std::string_view text) {
  std::int64_t millis = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, millis);
  if (fault != std::errc() || rest == end || *rest != '.') return std::nullopt;
  std::string id(rest + 1, end);
  // A database may take no other: it would look as if it were down.
  if (!is_document_id(id)) return std::nullopt;
  return CatalogCursor{WallTime(std::chrono::milliseconds(millis)), std::move(id)};
}

void fail(const ServiceParts& parts, const Call& call, const Error& error) {
  parts.log(error.message);
  call.answer(unavailable());
}

std::optional<std::size_t> limit_of(const Call& call, std::size_t otherwise, std::size_t most) {
  const std::string text = call.target().parameter("limit");
  if (text.empty()) return otherwise;
  std::size_t limit = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, limit);
  if (fault == std::errc() && rest == end && limit >= 1 && limit <= most) return limit;
  call.answer(bad_request("limit is a number from 1 to " + std::to_string(most)));
  return std::nullopt;
}

std::optional<CatalogEntry> entry_of(const ServiceParts& parts, const Call& call) {
  Result<std::optional<CatalogEntry>> entry = parts.catalog.find({call.caller().tenant, call.id()});
  if (!entry) {
    fail(parts, call, entry.error());
    return std::nullopt;
  }
  if (!*entry || (*entry)->is_removed) {
    call.answer(no_such_document());
    return std::nullopt;
  }
  return *std::move(entry);
}

std::optional<DocumentView> view_of(const ServiceParts& parts, const Call& call) {
  const std::optional<CatalogEntry> entry = entry_of(parts, call);
  if (!entry) return std::nullopt;
  Result<std::vector<DocumentView>> views = views_of({&*entry, 1}, parts.broker, parts.ledger);
  if (!views) {
    fail(parts, call, views.error());
    return std::nullopt;
  }
  add_news(parts, views->front());
  return std::move(views->front());
}

void list_documents(const ServiceParts& parts, const Call& call) {
  const auto limit = limit_of(call, page_default, page_max);
  if (!limit) return;
  std::optional<CatalogCursor> after;
  if (const std::string text = call.target().parameter("cursor"); !text.empty()) {
    after = cursor_from(text);
    if (!after) return call.answer(bad_request("cursor is the \"next\" of an earlier page"));
  }
  // One more tells whether there are more.
  auto entries = parts.catalog.list(call.caller().tenant, after, *limit + 1);
  if (!entries) return fail(parts, call, entries.error());
  const bool has_more = entries->size() > *limit;
  if (has_more) entries->pop_back();
  auto views = views_of(*entries, parts.broker, parts.ledger);
  if (!views) return fail(parts, call, views.error());
  Json documents = Json::array();
  for (DocumentView& view : *views) {
    add_news(parts, view);
    documents.push_back(json_of(view));
  }
  Json next;
  if (has_more) next = text_of(CatalogCursor{entries->back().received, entries->back().name.id});
  call.answer(200, {{"documents", std::move(documents)}, {"next", std::move(next)}});
}

void show_document(const ServiceParts& parts, const Call& call) {
  if (const auto view = view_of(parts, call)) call.answer(200, json_of(*view));
}

void remove_document(const ServiceParts& parts, const Call& call) {
  const auto removed = parts.catalog.remove({call.caller().tenant, call.id()}, wall_now());
  if (!removed) return fail(parts, call, removed.error());
  if (!*removed) return call.answer(no_such_document());
  // If this fails, it is enqueued later.
  if (const auto queued = enqueue(parts, {&**removed, 1}); !queued)
    parts.log(queued.error().message);
  call.answer(204, HttpHeaders{}, std::string());
}

void retry_document(const ServiceParts& parts, const Call& call) {
  auto view = view_of(parts, call);
  if (!view) return;
  if (view->state != DocumentState::failed) return call.answer(not_failed(name_of(view->state)));
  const std::string key = key_of(view->entry.name);
  const Result<std::uint64_t> retried = parts.broker.retry({&key, 1});
  if (!retried) return fail(parts, call, retried.error());
  if (*retried == 0) return call.answer(not_failed("not in the queue any more"));
  view->state = DocumentState::queued;
  view->outcome.reset();
  view->message.clear();
  view->times = {};
  call.answer(202, json_of(*view));
}

void list_failures(const ServiceParts& parts, const Call& call) {
  const auto limit = limit_of(call, failures_default, failures_max);
  if (!limit) return;
  std::vector<QueuedDocument> letters;
  std::vector<CatalogName> names;
  const auto visited = parts.broker.for_each_dead([&](const QueuedDocument& letter) {
    auto name = name_of_key(letter.claim.key);
    if (name && name->tenant == call.caller().tenant) {
      names.push_back(*std::move(name));
      letters.push_back(letter);
    }
    return letters.size() < *limit;
  });
  if (!visited) return fail(parts, call, visited.error());
  const auto entries = parts.catalog.find(names);
  if (!entries) return fail(parts, call, entries.error());
  Json failures = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& entry = (*entries)[i];
    if (!entry || entry->is_removed) continue;
    const QueuedDocument& letter = letters[i];
    failures.push_back(
        {{"id", names[i].id},
         {"name", entry->file_name},
         {"lane", name_of(letter.lane)},
         {"outcome", name_of(letter.outcome)},
         {"message", letter.reason.empty() ? std::string(describe(letter.outcome)) : letter.reason},
         {"attempts", letter.attempts}});
  }
  call.answer(200, {{"failures", std::move(failures)}});
}

}  // namespace penstock
