#include "loadgen/emulate/pinecone_requests.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

namespace penstock {
namespace {

namespace dom = simdjson::dom;

tl::unexpected<PineconeError> refuse(std::string message) {
  return tl::unexpected<PineconeError>({400, 3, std::move(message)});
}

tl::unexpected<PineconeError> refuse_json() {
  return refuse("Invalid JSON payload received.");
}

PineconeParsed<std::vector<float>> read_vector(dom::element element, std::size_t dimensions) {
  dom::array numbers;
  if (element.get(numbers) != simdjson::SUCCESS) return refuse("vector values must be a list");
  std::vector<float> vector;
  vector.reserve(dimensions);
  for (const dom::element number : numbers) {
    double value = 0;
    if (number.get_double().get(value) != simdjson::SUCCESS)
      return refuse("vector values must be numbers");
    vector.push_back(static_cast<float>(value));
  }
  if (vector.size() != dimensions)
    return refuse(fmt::format("Vector dimension {} does not match the dimension of the index {}",
                              vector.size(), dimensions));
  const float length = length_of(vector);
  if (!(length > 0) || !std::isfinite(length))
    return refuse("Dense vectors must contain at least one non-zero value.");
  return vector;
}

std::optional<PineconeError> fault_of_id(std::string_view id) {
  if (id.empty()) return refuse("Vector ID must not be empty").value();
  if (id.size() > pinecone_id_bytes_max)
    return refuse(fmt::format("Vector ID length {} exceeds the limit of {} characters", id.size(),
                              pinecone_id_bytes_max))
        .value();
  if (std::ranges::any_of(id, [](unsigned char c) { return c == 0 || c >= 0x80; }))
    return refuse("Vector ID must be ASCII").value();
  return std::nullopt;
}

bool is_list_of_strings(dom::element element) {
  dom::array list;
  if (element.get(list) != simdjson::SUCCESS) return false;
  return std::all_of(list.begin(), list.end(), [](dom::element each) { return each.is_string(); });
}

PineconeParsed<std::string> read_metadata(dom::element element) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return refuse("metadata must be an object");
  for (const auto& [name, value] : object) {
    if (!value.is_string() && !value.is_number() && !value.is_bool() && !is_list_of_strings(value))
      return refuse(
          fmt::format("Metadata value must be a string, number, boolean or list of "
                      "strings, got '{}' for field '{}'",
                      simdjson::minify(value), name));
  }
  std::string json = simdjson::minify(object);
  if (json.size() > pinecone_metadata_bytes_max)
    return refuse(
        fmt::format("metadata size is {} bytes, which exceeds the limit of {} bytes per "
                    "vector",
                    json.size(), pinecone_metadata_bytes_max));
  return json;
}

PineconeParsed<std::pair<std::string, PineconeRecord>> read_record(dom::element element,
                                                                   std::size_t dimensions) {
  dom::object object;
  std::string_view id;
  dom::element values;
  if (element.get(object) != simdjson::SUCCESS) return refuse_json();
  if (object["id"].get(id) != simdjson::SUCCESS) id = {};
  if (const auto fault = fault_of_id(id)) return tl::unexpected<PineconeError>(*fault);
  if (object["values"].get(values) != simdjson::SUCCESS)
    return refuse(fmt::format("Vector {} has no values", id));
  auto vector = read_vector(values, dimensions);
  if (!vector) return tl::unexpected<PineconeError>(vector.error());
  PineconeRecord record;
  record.length = length_of(*vector);
  record.values = *std::move(vector);
  record.metadata = "{}";
  if (dom::element metadata; object["metadata"].get(metadata) == simdjson::SUCCESS) {
    auto json = read_metadata(metadata);
    if (!json) return tl::unexpected<PineconeError>(json.error());
    record.metadata = *std::move(json);
  }
  return std::pair(std::string(id), std::move(record));
}

PineconeParsed<PineconeFilter> read_filter(dom::element element) {
  const auto unknown = [] {
    return refuse("only filters {FIELD: {$in or $nin: [...]}} are emulated");
  };
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS || object.size() != 1) return unknown();
  const dom::key_value_pair field = *object.begin();
  dom::object condition;
  if (field.value.get(condition) != simdjson::SUCCESS || condition.size() != 1) return unknown();
  const dom::key_value_pair test = *condition.begin();
  if ((test.key != "$in" && test.key != "$nin") || !is_list_of_strings(test.value))
    return unknown();
  PineconeFilter filter;
  filter.field = field.key;
  filter.is_in = test.key == "$in";
  for (const dom::element value : dom::array(test.value))
    filter.values.emplace(std::string_view(value));
  return filter;
}

// Absent: nothing is said; false otherwise, if it is said and is no boolean.
bool flag_in(dom::object object, std::string_view name) {
  bool flag = false;
  return object[name].get(flag) == simdjson::SUCCESS && flag;
}

std::string space_in(dom::object object) {
  std::string_view name;
  if (object["namespace"].get(name) != simdjson::SUCCESS) name = {};
  return pinecone_space_named(name);
}

}  // namespace

std::string pinecone_space_named(std::string_view name) {
  return name == "__default__" ? std::string() : std::string(name);
}

PineconeParsed<PineconeUpsert> parse_pinecone_upsert(const std::string& body,
                                                     std::size_t dimensions) {
  if (body.size() > pinecone_upsert_bytes_max)
    return tl::unexpected<PineconeError>(
        {400, 11,
         fmt::format("Error, message length too large: found {} bytes, the limit is: {} bytes",
                     body.size(), pinecone_upsert_bytes_max)});
  dom::parser parser;
  dom::object object;
  dom::array vectors;
  if (parser.parse(body).get(object) != simdjson::SUCCESS) return refuse_json();
  if (object["vectors"].get(vectors) != simdjson::SUCCESS || vectors.begin() == vectors.end())
    return refuse("Request must contain at least one vector");
  PineconeUpsert upsert;
  upsert.space = space_in(object);
  for (const dom::element element : vectors) {
    if (upsert.records.size() == pinecone_upsert_records_max)
      return refuse(
          fmt::format("Request exceeds the limit of {} vectors", pinecone_upsert_records_max));
    auto record = read_record(element, dimensions);
    if (!record) return tl::unexpected<PineconeError>(record.error());
    upsert.records.push_back(*std::move(record));
  }
  return upsert;
}

PineconeParsed<PineconeQuery> parse_pinecone_query(const std::string& body,
                                                   std::size_t dimensions) {
  dom::parser parser;
  dom::object object;
  dom::element element;
  if (parser.parse(body).get(object) != simdjson::SUCCESS) return refuse_json();
  PineconeQuery query;
  query.space = space_in(object);
  query.with_values = flag_in(object, "includeValues");
  query.with_metadata = flag_in(object, "includeMetadata");
  std::uint64_t matches = 0;
  const bool has_data = query.with_values || query.with_metadata;
  const std::size_t most = has_data ? pinecone_matches_with_data_max : pinecone_matches_max;
  if (object["topK"].get(matches) != simdjson::SUCCESS || matches < 1 || matches > most)
    return refuse(fmt::format("topK must be between 1 and {}", most));
  query.matches_max = matches;
  if (object["vector"].get(element) != simdjson::SUCCESS)
    return refuse("Query must contain a vector");
  auto vector = read_vector(element, dimensions);
  if (!vector) return tl::unexpected<PineconeError>(vector.error());
  query.vector = *std::move(vector);
  if (object["filter"].get(element) == simdjson::SUCCESS) {
    auto filter = read_filter(element);
    if (!filter) return tl::unexpected<PineconeError>(filter.error());
    query.filter = *std::move(filter);
  }
  return query;
}

PineconeParsed<PineconeDelete> parse_pinecone_delete(const std::string& body) {
  dom::parser parser;
  dom::object object;
  dom::array ids;
  if (parser.parse(body).get(object) != simdjson::SUCCESS) return refuse_json();
  if (object["ids"].get(ids) != simdjson::SUCCESS || ids.begin() == ids.end())
    return refuse("only deletes of ids are emulated");
  PineconeDelete deletion;
  deletion.space = space_in(object);
  for (const dom::element element : ids) {
    std::string_view id;
    if (deletion.ids.size() == pinecone_ids_max)
      return refuse(fmt::format("Cannot delete more than {} ids", pinecone_ids_max));
    if (element.get(id) != simdjson::SUCCESS) id = {};
    if (const auto fault = fault_of_id(id)) return tl::unexpected<PineconeError>(*fault);
    deletion.ids.emplace_back(id);
  }
  return deletion;
}

}  // namespace penstock
