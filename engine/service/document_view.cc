#include "engine/service/document_view.h"

#include <cstring>
#include <ctime>
#include <utility>

#include "engine/core/uri.h"

namespace penstock {
namespace {

// Of a content and its metadata, so that the same sent again are known without being read. No file
// system's times: of either a part of its digest.
SourceStamp stamp_of(const CatalogEntry& entry) {
  SourceStamp stamp;
  stamp.bytes = entry.bytes;
  const Sha256 metadata = sha256(entry.metadata);
  std::memcpy(&stamp.modified_ns, entry.digest.data(), sizeof stamp.modified_ns);
  std::memcpy(&stamp.changed_ns, metadata.data(), sizeof stamp.changed_ns);
  if (stamp.changed_ns == 0) stamp.changed_ns = 1;
  return stamp;
}

// What the ledger says, of this content.
void take_record(DocumentView& view, const DocumentRecord& record) {
  view.outcome = record.outcome;
  view.message = told(record.outcome, record.message);
  view.attempts = record.attempts;
  view.times = record.times;
  if (!is_failure(record.outcome)) view.current = record.current;
  view.state = is_failure(record.outcome) ? DocumentState::failed : DocumentState::done;
}

// What is in the queue has not come to its end, whatever an earlier attempt came to; unless this
// very content is done: then only the queue has not heard of it yet.
void take_queued(DocumentView& view, const QueuedDocument& queued) {
  view.attempts = queued.attempts;
  switch (queued.state) {
    case QueuedDocument::State::waiting:
      view.state = DocumentState::queued;
      break;
    case QueuedDocument::State::leased:
      view.state = DocumentState::processing;
      break;
    case QueuedDocument::State::delayed:
      view.state = DocumentState::retrying;
      break;
    case QueuedDocument::State::dead:
      view.state = DocumentState::failed;
      view.outcome = queued.outcome;
      view.message = told(queued.outcome, queued.reason);
      break;
  }
  if (view.state != DocumentState::failed) {
    view.outcome.reset();
    view.message.clear();
    view.current.reset();
  }
}

std::tm calendar(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return utc;
}

Json text_or_null(const std::optional<WallTime>& time) {
  return time ? Json(text_of(*time)) : Json();
}

}  // namespace

std::string key_of(const CatalogName& name) {
  return name.tenant + '/' + name.id;
}

std::optional<CatalogName> name_of_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  return CatalogName{std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

Claim claim_of(const CatalogEntry& entry) {
  Claim claim;
  claim.key = key_of(entry.name);
  if (entry.is_removed) return claim;
  claim.location = entry.location;
  claim.metadata = entry.metadata;
  claim.stamp = stamp_of(entry);
  return claim;
}

Result<std::vector<DocumentView>> views_of(std::span<const CatalogEntry> entries, Broker& broker,
                                           Ledger& ledger) {
  std::vector<DocumentView> views;
  std::vector<std::string> keys;
  for (const CatalogEntry& entry : entries) {
    views.push_back({entry, {}, {}, {}, 0, {}, {}});
    keys.push_back(key_of(entry.name));
  }
  // The queue first: what leaves it meanwhile is in the ledger by then.
  const auto queued = broker.find(keys);
  if (!queued) return pass_on(queued.error());
  for (std::size_t i = 0; i < views.size(); ++i) {
    DocumentView& view = views[i];
    const auto record = ledger.find(keys[i]);
    if (!record) return pass_on(record.error());
    const bool is_of_this = *record && (*record)->outcome != Outcome::pending &&
                            (*record)->claim.stamp == stamp_of(view.entry);
    if (is_of_this) take_record(view, **record);
    if ((*queued)[i] && view.state != DocumentState::done) {
      take_queued(view, *(*queued)[i]);
    } else if (!is_of_this && view.entry.queued) {
      view.state = DocumentState::queued;
    }
  }
  return views;
}

std::string text_of(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const std::tm utc = calendar(time);
  char text[sizeof "2026-11-28T01:02:03.456Z"];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::string millis = std::to_string((time - whole).count());
  millis.insert(0, 3 - millis.size(), '0');
  return std::string(text, length) + '.' + millis + 'Z';
}

std::string http_date(WallTime time) {
  const std::tm utc = calendar(time);
  char text[sizeof "Sat, 28 Nov 2026 01:02:03 GMT"];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

Json json_of(const DocumentView& view) {
  const CatalogEntry& entry = view.entry;
  const std::string self = "/v1/documents/" + uri_encoded(entry.name.id);
  Json timeline = {{"received", text_of(entry.received)},
                   {"queued", text_or_null(entry.queued)},
                   {"started", text_or_null(view.times.started)},
                   {"extracted", text_or_null(view.times.extracted)},
                   {"embedded", text_or_null(view.times.embedded)},
                   {"stored", text_or_null(view.times.stored)},
                   {"done", text_or_null(view.times.done)}};
  // It was taken as a JSON object.
  Json metadata = entry.metadata.empty() ? Json::object() : Json::parse(entry.metadata);
  return {
      {"id", entry.name.id},
      {"name", entry.file_name},
      {"media_type", entry.media_type},
      {"bytes", entry.bytes},
      {"sha256", to_hex(entry.digest)},
      {"lane", name_of(entry.lane)},
      {"region", entry.region},
      {"metadata", std::move(metadata)},
      {"state", name_of(view.state)},
      {"outcome", view.outcome ? Json(name_of(*view.outcome)) : Json()},
      {"message", view.message},
      {"attempts", view.attempts},
      {"pages", view.current ? view.current->pages : 0},
      {"chunks", view.current ? view.current->chunks : 0},
      {"tokens", view.current ? view.current->tokens : 0},
      {"timeline", std::move(timeline)},
      {"links", {{"self", self}, {"content", self + "/content"}, {"events", self + "/events"}}}};
}

}  // namespace penstock
