#include "engine/service/search.h"

#include <map>
#include <optional>
#include <utility>

#include "engine/core/uri.h"
#include "engine/service/document_view.h"
#include "engine/service/documents.h"
#include "engine/service/snippet.h"

namespace penstock {
namespace {

constexpr std::size_t hits_default = 10;
constexpr std::size_t hits_max = 100;
constexpr std::size_t query_bytes_max = 8 << 10;
// Control characters, which no text holds: who shows it makes of them what marks a match there.
constexpr SnippetMarks marks{"\x02", "\x03"};

// The entries of the hits' documents, absent where there is none, as of what was backfilled.
Result<std::map<std::string, std::optional<CatalogEntry>>> entries_of(
    const ServiceParts& parts, const std::vector<Hit>& hits) {
  std::map<std::string, std::optional<CatalogEntry>> entries;
  std::vector<CatalogName> names;
  for (const Hit& hit : hits) {
    if (!entries.try_emplace(hit.key).second) continue;
    if (auto name = name_of_key(hit.key)) names.push_back(*std::move(name));
  }
  auto found = parts.catalog.find(names);
  if (!found) return pass_on(found.error());
  for (std::size_t i = 0; i < names.size(); ++i) entries[key_of(names[i])] = std::move((*found)[i]);
  return entries;
}

Json json_of(const Hit& hit, std::size_t rank, const std::optional<CatalogEntry>& entry,
             const std::string& query) {
  std::string text;
  for (const std::string& line : snippet(hit.text, query, marks))
    text.append(text.empty() ? "" : " ").append(line);
  const std::string file = hit.key.substr(hit.key.find_last_of('/') + 1);
  return {{"rank", rank},
          {"score", hit.score},
          {"id", entry ? Json(entry->name.id) : Json()},
          {"name", entry && !entry->file_name.empty() ? entry->file_name : file},
          {"page_first", hit.chunk.page_first},
          {"page_last", hit.chunk.page_last},
          {"text", hit.text},
          {"snippet", std::move(text)}};
}

}  // namespace

Result<std::vector<Hit>> current_hits(Ledger& ledger, VectorStore& vectors,
                                      std::span<const float> query, std::size_t hits_wanted,
                                      const std::function<bool(const std::string&)>& accept) {
  std::map<std::string, std::optional<VersionId>> current;
  const auto is_current = [&](const Hit& hit) -> Result<bool> {
    const auto [version, is_new] = current.try_emplace(hit.key);
    if (is_new) {
      const auto record = ledger.find(hit.key);
      if (!record) return pass_on(record.error());
      if (*record && (*record)->current) version->second = (*record)->current->id;
    }
    return version->second == hit.version;
  };
  // Versions that are being written or replaced are in the vector store too, so more is asked for
  // until enough are current.
  for (std::size_t asked = hits_wanted;; asked *= 2) {
    Result<std::vector<Hit>> found = vectors.search(query, asked, accept);
    if (!found) return found;
    const bool is_exhausted = found->size() < asked;
    std::vector<Hit> hits;
    for (Hit& hit : *found) {
      if (hits.size() == hits_wanted) break;
      const Result<bool> is_one = is_current(hit);
      if (!is_one) return pass_on(is_one.error());
      if (*is_one) hits.push_back(std::move(hit));
    }
    if (is_exhausted || hits.size() == hits_wanted) return hits;
  }
}

void search(const ServiceParts& parts, const Call& call) {
  const std::string query = call.target().parameter("q");
  if (query.empty() || query.size() > query_bytes_max)
    return call.answer(bad_request("q is what to look for, of at most 8 KB"));
  const auto limit = limit_of(call, hits_default, hits_max);
  if (!limit) return;
  const Result<std::vector<float>> vector = parts.embed(query);
  if (!vector) return fail(parts, call, vector.error());
  std::function<bool(const std::string&)> accept;
  if (!call.caller().owns_store)
    accept = [prefix = call.caller().tenant + '/'](const std::string& key) {
      return key.starts_with(prefix);
    };
  const auto hits = current_hits(parts.ledger, parts.vectors, *vector, *limit, accept);
  if (!hits) return fail(parts, call, hits.error());
  const auto entries = entries_of(parts, *hits);
  if (!entries) return fail(parts, call, entries.error());
  Json found = Json::array();
  for (const Hit& hit : *hits) {
    const auto& entry = entries->at(hit.key);
    if (entry && entry->is_removed) continue;
    found.push_back(json_of(hit, found.size() + 1, entry, query));
  }
  call.answer(200, {{"query", query}, {"hits", std::move(found)}});
}

}  // namespace penstock
