#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/pinecone/index_address.h"
#include "engine/backends/pinecone/index_answers.h"
#include "engine/backends/pinecone/record_id.h"
#include "engine/backends/pinecone/upsert_bodies.h"
#include "engine/core/error.h"
#include "engine/http/json_string.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Catch::Matchers::StartsWith;
using Json = nlohmann::json;

TEST_CASE("pinecone address: TLS unless the host is this machine or it is turned off") {
  const IndexAddress address = index_address("pinecone://idx-a1.svc.aped-4627.pinecone.io");
  CHECK(address.origin == "https://idx-a1.svc.aped-4627.pinecone.io");
  CHECK(address.space.empty());
  CHECK(address.name == "pinecone://idx-a1.svc.aped-4627.pinecone.io");
  CHECK(index_address("pinecone://h:8443").origin == "https://h:8443");
  CHECK(index_address("pinecone://127.0.0.1:8090").origin == "http://127.0.0.1:8090");
  CHECK(index_address("pinecone://[::1]:8090/s").origin == "http://[::1]:8090");
  CHECK(index_address("pinecone://localhost").origin == "http://localhost");
  CHECK(index_address("pinecone://localhost.example.com").origin ==
        "https://localhost.example.com");
  CHECK(index_address("pinecone://emulator:8090?tls=off").origin == "http://emulator:8090");
}

TEST_CASE("pinecone address: the path is the namespace") {
  const IndexAddress address = index_address("pinecone://h/docs-2024?tls=off");
  CHECK(address.space == "docs-2024");
  CHECK(address.name == "pinecone://h/docs-2024");
  CHECK(index_address("pinecone://h/").space.empty());
  CHECK(index_address("pinecone://h/").name == "pinecone://h");
}

TEST_CASE("pinecone address: what is none is refused") {
  const std::string url =
      GENERATE("", "pinecone:h", "https://h", "pinecone://", "pinecone:///s", "pinecone://:80",
               "pinecone://h:", "pinecone://https://h", "pinecone://user:pass@h", "pinecone://h?x",
               "pinecone://h?tls=on", "pinecone://h/a/b", "pinecone://h/a%20b", "pinecone://h h");
  INFO(url);
  CHECK_THROWS_AS(index_address(url), FatalError);
}

TEST_CASE("pinecone address: a refusal shows nothing that may be a secret") {
  CHECK_THROWS_WITH(index_address("pinecone://user:pass@h"),
                    StartsWith("pinecone://: names no host; write pinecone://INDEX-HOST or "));
  CHECK_THROWS_WITH(index_address("pinecone://h?key=pcsk_1"),
                    StartsWith("pinecone://h: the only query is ?tls=off; write "));
}

TEST_CASE("pinecone ids: a version is a prefix and its chunks are in order") {
  const VersionName name{"a", VersionId::of("content", "test")};
  const std::string prefix = version_prefix(name);
  CHECK(prefix == DocumentId::of_key("a").hex() + "#" + name.version.hex() + "#");
  CHECK(record_id(prefix, 7) == prefix + "00000007");
  CHECK(record_id(prefix, 9) < record_id(prefix, 10));
  const std::string id = record_id(prefix, 1'234'567);
  const std::optional<RecordId> parsed = parse_record_id(id);
  REQUIRE(parsed.has_value());
  CHECK(parsed->prefix == prefix);
  CHECK(parsed->version == name.version);
  CHECK(parsed->ordinal == 1'234'567);
}

TEST_CASE("pinecone ids: those of others are none") {
  const std::string id = record_id(version_prefix({"a", VersionId::of("content", "test")}), 1);
  CHECK_FALSE(parse_record_id("").has_value());
  CHECK_FALSE(parse_record_id(model_record_id).has_value());
  CHECK_FALSE(parse_record_id(id + "0").has_value());
  for (const std::size_t at : {0, 32, 40, 65, 66, 73}) {
    std::string other = id;
    other[at] = 'x';
    INFO(other);
    CHECK_FALSE(parse_record_id(other).has_value());
    other[at] = 'A';
    CHECK_FALSE(parse_record_id(other).has_value());
  }
}

TEST_CASE("json string: a prefix takes no more than it may and ends at a character") {
  CHECK(json_string_prefix("abc", 3) == 3);
  CHECK(json_string_prefix("abc", 2) == 2);
  CHECK(json_string_prefix("abc", 0) == 0);
  CHECK(json_string_prefix("a\nb", 2) == 1);
  CHECK(json_string_prefix("a\nb", 3) == 2);
  CHECK(json_string_prefix("\x01", 5) == 0);
  CHECK(json_string_prefix("\x01", 6) == 1);
  CHECK(json_string_prefix("é", 1) == 0);
  CHECK(json_string_prefix("a水", 3) == 1);
  CHECK(json_string_prefix("a水", 4) == 4);
}

TEST_CASE("pinecone vectors: decimals are the same floats again") {
  std::mt19937 random(1);
  std::vector<float> vector = {0.0f,
                               1.0f,
                               0.1f,
                               std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::denorm_min(),
                               -std::numeric_limits<float>::max()};
  while (vector.size() < 20'000) {
    const float number = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isfinite(number)) vector.push_back(number);
  }
  std::string json = "x";
  append_vector(json, vector);
  const auto again = Json::parse(json.substr(1)).get<std::vector<double>>();
  REQUIRE(again.size() == vector.size());
  for (std::size_t i = 0; i < vector.size(); ++i)
    REQUIRE(std::bit_cast<std::uint32_t>(static_cast<float>(again[i])) ==
            std::bit_cast<std::uint32_t>(vector[i]));
  std::string none;
  append_vector(none, {});
  CHECK(none == "[]");
}

TEST_CASE("pinecone upserts: a record is all of a chunk") {
  const std::string key = "/a/\"Größe\".pdf";
  const VersionId version = VersionId::of("content", "test");
  const std::vector<Chunk> chunks = {{.ordinal = 3,
                                      .page_first = 1,
                                      .page_last = 2,
                                      .char_begin = 5,
                                      .char_end = 9,
                                      .tokens = 7,
                                      .text = "line\nline"}};
  const std::vector<float> vectors = {0.6f, -0.8f};
  const std::vector<VersionChunks> versions = {{key, version, chunks, vectors}};
  UpsertBodies bodies(versions, "space");
  const auto body = bodies.next();
  REQUIRE(body.has_value());
  CHECK(body->records == 1);
  CHECK(Json::parse(body->json) ==
        Json{{"namespace", "space"},
             {"vectors",
              {{{"id", DocumentId::of_key(key).hex() + "#" + version.hex() + "#00000003"},
                {"values", {0.6, -0.8}},
                {"metadata",
                 {{"key", key},
                  {"version", version.hex()},
                  {"page_first", 1},
                  {"page_last", 2},
                  {"char_begin", 5},
                  {"char_end", 9},
                  {"tokens", 7},
                  {"text", "line\nline"}}}}}}});
  CHECK_FALSE(bodies.next().has_value());
}

TEST_CASE("pinecone upserts: requests hold every record once within their bounds") {
  const std::size_t dimensions = 1'000;
  std::vector<std::vector<Chunk>> chunks(40);
  std::vector<VersionChunks> versions;
  const std::string text(3'000, 'x');
  const std::vector<float> vectors(13 * dimensions, 0.123456789f);
  std::vector<std::string> keys;
  std::size_t records = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (std::uint32_t ordinal = 0; ordinal < i % 14; ++ordinal)
      chunks[i].push_back({.ordinal = ordinal, .text = text});
    records += chunks[i].size();
    versions.push_back({"key " + std::to_string(i), VersionId(), chunks[i],
                        std::span(vectors).first(chunks[i].size() * dimensions)});
  }
  UpsertBodies bodies(versions, "");
  std::set<std::string> ids;
  std::size_t count = 0;
  while (const auto body = bodies.next()) {
    CHECK(body->json.size() <= upsert_bytes_max);
    const Json json = Json::parse(body->json);
    CHECK(json["namespace"] == "");
    CHECK(json["vectors"].size() == body->records);
    for (const Json& record : json["vectors"]) ids.insert(record["id"]);
    ++count;
  }
  CHECK(ids.size() == records);
  CHECK(count == (records * 14'100 + upsert_bytes_max - 1) / upsert_bytes_max);
}

// The metadata of a record whose text is so long.
std::string metadata_of(std::size_t text_bytes) {
  const std::string text(text_bytes, 'x');
  const std::vector<Chunk> chunks = {{.text = text}};
  const std::vector<float> vectors = {1.0f};
  const std::vector<VersionChunks> versions = {{"key", VersionId(), chunks, vectors}};
  const std::string json = UpsertBodies(versions, "").next()->json;
  const std::size_t begin = json.find(R"("metadata":)") + 11;
  return json.substr(begin, json.find("}}]", begin) + 1 - begin);
}

TEST_CASE("pinecone upserts: metadata is cut to what the service takes and no shorter") {
  const std::size_t fits = metadata_bytes_max - metadata_of(0).size();
  const std::string whole = metadata_of(fits);
  CHECK(whole.size() == metadata_bytes_max);
  CHECK_FALSE(Json::parse(whole).contains("text_cut"));
  for (const std::size_t bytes : {fits + 1, fits + 1'000}) {
    const std::string cut = metadata_of(bytes);
    CHECK(cut.size() == metadata_bytes_max);
    CHECK(Json::parse(cut)["text_cut"] == true);
  }
}

std::string match(const std::string& id, const std::string& metadata) {
  return R"({"matches":[{"id":")" + id + R"(","score":0.5,"metadata":)" + metadata + "}]}";
}

TEST_CASE("pinecone answers: matches are chunks or somebody else's") {
  const std::string id = record_id(version_prefix({"a", VersionId::of("content", "test")}), 4);
  const std::string whole =
      R"({"key":"a","text":"t","page_first":1.0,"page_last":2,"char_begin":0,"char_end":7,"tokens":3})";
  const auto matches = read_matches(match(id, whole));
  REQUIRE(matches.has_value());
  REQUIRE(matches->hits.size() == 1);
  CHECK(matches->hits[0].chunk.ordinal == 4);
  CHECK(matches->hits[0].chunk.page_first == 1);
  CHECK(matches->hits[0].chunk.char_end == 7);
  CHECK(matches->hits[0].score == 0.5f);
  for (
      const std::string& other :
      {match("x", whole), match(id, "{}"), match(id, "null"),
       match(
           id,
           R"({"key":"a","text":"t","page_first":1.5,"page_last":2,"char_begin":0,"char_end":7,"tokens":3})"),
       match(
           id,
           R"({"key":"a","text":"t","page_first":-1,"page_last":2,"char_begin":0,"char_end":7,"tokens":3})"),
       match(
           id,
           R"({"key":"a","text":"t","page_first":1,"page_last":2,"char_begin":0,"char_end":7,"tokens":4294967296})")}) {
    INFO(other);
    const auto read = read_matches(other);
    REQUIRE(read.has_value());
    CHECK(read->count == 1);
    CHECK(read->hits.empty());
  }
  CHECK_FALSE(read_matches(R"({"matches":[{"id":"x","score":"high"}]})").has_value());
  CHECK_FALSE(read_matches(R"({"matches":[7]})").has_value());
}

TEST_CASE("pinecone answers: an index tells its dimension and the records of each namespace") {
  const auto stats = read_index_stats(
      R"({"dimension":8,"metric":"cosine","namespaces":{"":{"vectorCount":3},
          "__default__":{"vectorCount":4},"s":{"vectorCount":5}}})");
  REQUIRE(stats.has_value());
  CHECK(stats->dimensions == 8);
  CHECK(stats->metric == "cosine");
  CHECK(stats->records_in("") == 7);
  CHECK(stats->records_in("s") == 5);
  CHECK(stats->records_in("other") == 0);
}

}  // namespace
}  // namespace penstock
