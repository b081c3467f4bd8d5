#include "engine/backends/pinecone/upsert_bodies.h"

#include <cassert>
#include <charconv>

#include "engine/backends/pinecone/record_id.h"
#include "engine/http/json_string.h"

namespace penstock {
namespace {

// -1.17549435e-38
constexpr std::size_t float_digits_max = 15;

void append_number(std::string& json, std::string_view name, std::uint64_t number) {
  json += ",\"";
  json += name;
  json += "\":";
  json += std::to_string(number);
}

void append_metadata(std::string& json, const VersionChunks& version, const Chunk& chunk) {
  constexpr std::string_view cut_mark = R"(,"text_cut":true)";
  const std::size_t begin = json.size();
  json += R"({"key":)";
  append_json_string(json, version.key);
  json += R"(,"version":")" + version.version.hex() + '"';
  append_number(json, "page_first", chunk.page_first);
  append_number(json, "page_last", chunk.page_last);
  append_number(json, "char_begin", chunk.char_begin);
  append_number(json, "char_end", chunk.char_end);
  append_number(json, "tokens", chunk.tokens);
  json += R"(,"text":)";
  const std::size_t text_begin = json.size();
  append_json_string(json, chunk.text);
  if (json.size() + 1 - begin > metadata_bytes_max) {
    json.resize(text_begin);
    const std::size_t others = text_begin - begin + 2 + cut_mark.size() + 1;
    const std::size_t room = metadata_bytes_max > others ? metadata_bytes_max - others : 0;
    append_json_string(json, chunk.text.substr(0, json_string_prefix(chunk.text, room)));
    json += cut_mark;
  }
  json += '}';
}

}  // namespace

void append_vector(std::string& json, std::span<const float> vector) {
  const std::size_t begin = json.size();
  json.resize(begin + 2 + vector.size() * (float_digits_max + 1));
  char* at = json.data() + begin;
  *at++ = '[';
  for (const float number : vector) {
    at = std::to_chars(at, at + float_digits_max, number).ptr;
    *at++ = ',';
  }
  if (vector.empty()) ++at;
  at[-1] = ']';
  json.resize(static_cast<std::size_t>(at - json.data()));
}

UpsertBodies::UpsertBodies(std::span<const VersionChunks> versions, std::string_view space)
    : versions_(versions) {
  tail_ = R"(],"namespace":)";
  append_json_string(tail_, space);
  tail_ += '}';
}

bool UpsertBodies::write_record() {
  while (version_ < versions_.size() && chunk_ == versions_[version_].chunks.size()) {
    ++version_;
    chunk_ = 0;
  }
  if (version_ == versions_.size()) return false;
  const VersionChunks& version = versions_[version_];
  if (chunk_ == 0) prefix_ = version_prefix({version.key, version.version});
  const std::size_t dimensions = version.vectors.size() / version.chunks.size();
  const Chunk& chunk = version.chunks[chunk_];
  record_ = R"({"id":")" + record_id(prefix_, chunk.ordinal) + R"(","values":)";
  append_vector(record_, version.vectors.subspan(chunk_ * dimensions, dimensions));
  record_ += R"(,"metadata":)";
  append_metadata(record_, version, chunk);
  record_ += '}';
  ++chunk_;
  return true;
}

std::optional<UpsertBodies::Body> UpsertBodies::next() {
  Body body;
  while (body.records < upsert_records_max && (!record_.empty() || write_record())) {
    if (body.records == 0) {
      body.json.reserve(upsert_bytes_max);
      body.json = R"({"vectors":[)";
    }
    // One record always fits: 20,000 dimensions, the most there are, take 320 KB.
    assert(record_.size() + metadata_bytes_max < upsert_bytes_max);
    if (body.records > 0 && body.json.size() + 1 + record_.size() + tail_.size() > upsert_bytes_max)
      break;
    if (body.records > 0) body.json += ',';
    body.json += record_;
    ++body.records;
    record_.clear();
  }
  if (body.records == 0) return std::nullopt;
  body.json += tail_;
  return body;
}

}  // namespace penstock
