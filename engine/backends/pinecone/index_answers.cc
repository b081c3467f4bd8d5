#include "engine/backends/pinecone/index_answers.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "engine/backends/pinecone/record_id.h"

namespace penstock {
namespace {

namespace dom = simdjson::dom;

tl::unexpected<Error> nonsense(const std::string& what) {
  return retryable_error("the answer is not what was expected: " + what);
}

// The object that a body is. Keeps the parser, which owns it.
class Body {
 public:
  Result<dom::object> read(const std::string& body) {
    dom::object object;
    if (const auto code = parser_.parse(body).get(object); code != simdjson::SUCCESS)
      return nonsense(simdjson::error_message(code));
    return object;
  }

 private:
  dom::parser parser_;
};

std::optional<std::string_view> text_in(dom::object object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

// A whole number, which the service may send as 7.0: its metadata has no others than doubles.
std::optional<std::uint64_t> natural_in(dom::object object, std::string_view name) {
  constexpr double exact_max = 0x1p53;
  double number = 0;
  if (object[name].get_double().get(number) != simdjson::SUCCESS) return std::nullopt;
  if (!(number >= 0 && number <= exact_max) || number != std::floor(number)) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

std::optional<std::uint32_t> natural32_in(dom::object object, std::string_view name) {
  const std::optional<std::uint64_t> number = natural_in(object, name);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// The list, or object, of this name; absent: there is none, or it is null.
template <typename List>
Result<std::optional<List>> list_in(dom::object object, std::string_view name) {
  dom::element element;
  if (object[name].get(element) != simdjson::SUCCESS || element.is_null())
    return std::optional<List>();
  List list;
  if (element.get(list) != simdjson::SUCCESS)
    return nonsense(std::string(name) + " is something else");
  return std::optional<List>(list);
}

// Absent: somebody else's record, or none of a chunk.
std::optional<Hit> read_hit(dom::object match, std::string_view id, double score) {
  dom::object metadata;
  const std::optional<RecordId> parsed = parse_record_id(id);
  if (!parsed || match["metadata"].get(metadata) != simdjson::SUCCESS) return std::nullopt;
  const auto key = text_in(metadata, "key");
  const auto text = text_in(metadata, "text");
  const auto page_first = natural32_in(metadata, "page_first");
  const auto page_last = natural32_in(metadata, "page_last");
  const auto char_begin = natural_in(metadata, "char_begin");
  const auto char_end = natural_in(metadata, "char_end");
  const auto tokens = natural32_in(metadata, "tokens");
  if (!key || !text || !page_first || !page_last || !char_begin || !char_end || !tokens)
    return std::nullopt;
  Hit hit;
  hit.key = *key;
  hit.version = parsed->version;
  hit.chunk.ordinal = parsed->ordinal;
  hit.chunk.page_first = *page_first;
  hit.chunk.page_last = *page_last;
  hit.chunk.char_begin = *char_begin;
  hit.chunk.char_end = *char_end;
  hit.chunk.tokens = *tokens;
  hit.text = *text;
  hit.score = static_cast<float>(score);
  return hit;
}

}  // namespace

Result<std::uint64_t> read_upserted_count(const std::string& body) {
  Body reader;
  const Result<dom::object> object = reader.read(body);
  if (!object) return pass_on(object.error());
  const std::optional<std::uint64_t> count = natural_in(*object, "upsertedCount");
  if (!count) return nonsense("no upsertedCount");
  return *count;
}

Result<void> read_deleted(const std::string& body) {
  Body reader;
  const Result<dom::object> object = reader.read(body);
  if (!object) return pass_on(object.error());
  return {};
}

Result<IdPage> read_id_page(const std::string& body) {
  Body reader;
  const Result<dom::object> object = reader.read(body);
  if (!object) return pass_on(object.error());
  const auto vectors = list_in<dom::array>(*object, "vectors");
  if (!vectors) return pass_on(vectors.error());
  IdPage page;
  if (*vectors) {
    for (const dom::element element : **vectors) {
      std::string_view id;
      if (element["id"].get(id) != simdjson::SUCCESS) return nonsense("a record without an id");
      page.ids.emplace_back(id);
    }
  }
  const auto pagination = list_in<dom::object>(*object, "pagination");
  if (!pagination) return pass_on(pagination.error());
  if (*pagination) page.next = text_in(**pagination, "next").value_or("");
  // Else a service gone wrong would be asked for ever.
  if (page.ids.empty() && !page.next.empty()) return nonsense("an empty page that is not the last");
  return page;
}

Result<Matches> read_matches(const std::string& body) {
  Body reader;
  const Result<dom::object> object = reader.read(body);
  if (!object) return pass_on(object.error());
  const auto list = list_in<dom::array>(*object, "matches");
  if (!list) return pass_on(list.error());
  Matches matches;
  if (!*list) return matches;
  for (const dom::element element : **list) {
    dom::object match;
    if (element.get(match) != simdjson::SUCCESS) return nonsense("a match that is no object");
    const auto id = text_in(match, "id");
    // An exact zero may be left out.
    double score = 0;
    const auto code = match["score"].get_double().get(score);
    if (!id || (code != simdjson::SUCCESS && code != simdjson::NO_SUCH_FIELD))
      return nonsense("a match without id or score");
    ++matches.count;
    if (std::optional<Hit> hit = read_hit(match, *id, score))
      matches.hits.push_back(*std::move(hit));
  }
  return matches;
}

Result<std::vector<FetchedRecord>> read_fetched(const std::string& body) {
  Body reader;
  const Result<dom::object> object = reader.read(body);
  if (!object) return pass_on(object.error());
  const auto vectors = list_in<dom::object>(*object, "vectors");
  if (!vectors) return pass_on(vectors.error());
  std::vector<FetchedRecord> records;
  if (!*vectors) return records;
  for (const auto& [id, element] : **vectors) {
    FetchedRecord record;
    record.id = id;
    dom::object metadata;
    if (element["metadata"].get(metadata) == simdjson::SUCCESS) {
      record.key = text_in(metadata, "key");
      record.model = text_in(metadata, "model");
    }
    records.push_back(std::move(record));
  }
  return records;
}

std::uint64_t IndexStats::records_in(const std::string& space) const {
  std::uint64_t sum = 0;
  for (const auto& [name, count] : records)
    if (name == space || (space.empty() && name == "__default__")) sum += count;
  return sum;
}

Result<IndexStats> read_index_stats(const std::string& body) {
  Body reader;
  const Result<dom::object> object = reader.read(body);
  if (!object) return pass_on(object.error());
  IndexStats stats;
  stats.dimensions = natural_in(*object, "dimension").value_or(0);
  stats.metric = text_in(*object, "metric").value_or("");
  const auto spaces = list_in<dom::object>(*object, "namespaces");
  if (!spaces) return pass_on(spaces.error());
  if (!*spaces) return stats;
  for (const auto& [name, element] : **spaces) {
    dom::object space;
    if (element.get(space) != simdjson::SUCCESS) return nonsense("a namespace that is no object");
    stats.records.emplace_back(name, natural_in(space, "vectorCount").value_or(0));
  }
  return stats;
}

std::optional<std::uint64_t> read_lsn(const HttpHeaders& headers, std::string_view name) {
  const std::optional<std::string_view> digits = headers.find(name);
  if (!digits) return std::nullopt;
  std::uint64_t lsn = 0;
  const char* const last = digits->data() + digits->size();
  const auto [end, error] = std::from_chars(digits->data(), last, lsn);
  if (error != std::errc() || end != last) return std::nullopt;
  return lsn;
}

}  // namespace penstock
