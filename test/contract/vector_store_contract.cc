#include "test/contract/vector_store_contract.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "test/support/catch.h"

namespace penstock {
namespace {

VersionId version(std::string_view content) {
  return VersionId::of(content, "test");
}

// A version of so many chunks; chunk i points along axis (first + i) modulo the dimensions.
struct Sample {
  Sample(std::string document, std::string_view content, std::size_t count, std::size_t first = 0)
      : key(std::move(document)), id(version(content)) {
    for (std::size_t i = 0; i < count; ++i)
      texts.push_back(std::string(content) + " " + std::to_string(i));
    for (std::size_t i = 0; i < count; ++i) {
      Chunk chunk;
      chunk.ordinal = static_cast<std::uint32_t>(i);
      chunk.page_first = static_cast<std::uint32_t>(i + 1);
      chunk.page_last = static_cast<std::uint32_t>(i + 2);
      chunk.char_begin = i * 10;
      chunk.char_end = i * 10 + 9;
      chunk.tokens = 7;
      chunk.text = texts[i];
      chunks.push_back(chunk);
      for (std::size_t axis = 0; axis < contract_dimensions; ++axis)
        vectors.push_back(axis == (first + i) % contract_dimensions ? 1.0f : 0.0f);
    }
  }
  VersionChunks view() const { return {key, id, chunks, vectors}; }
  VersionName name() const { return {key, id}; }

  std::string key;
  VersionId id;
  std::vector<std::string> texts;
  std::vector<Chunk> chunks;
  std::vector<float> vectors;
};

void upsert(VectorStore& store, const Sample& sample) {
  const std::vector<VersionChunks> versions = {sample.view()};
  REQUIRE(store.upsert(versions).has_value());
}

std::vector<Hit> search(VectorStore& store, const std::vector<float>& query, std::size_t hits,
                        const std::function<bool(const std::string&)>& accept = {}) {
  auto found = store.search(query, hits, accept);
  REQUIRE(found.has_value());
  return std::move(*found);
}

std::uint64_t stored(VectorStore& store, const Sample& sample) {
  const std::vector<VersionName> names = {sample.name()};
  const auto counts = store.count(names);
  REQUIRE(counts.has_value());
  REQUIRE(counts->size() == 1);
  CHECK(counts->front().chunks == counts->front().vectors);
  return counts->front().chunks;
}

void remove(VectorStore& store, const std::vector<VersionName>& names) {
  REQUIRE(store.remove(names).has_value());
}

}  // namespace

void run_vector_store_contract(const std::function<OpenVectorStore()>& fresh,
                               VectorStoreLimits limits) {
  const OpenVectorStore open = fresh();
  std::unique_ptr<VectorStore> store = open();
  const std::vector<float> along_first = {1, 0, 0, 0};

  SECTION("an empty store finds nothing") {
    CHECK(search(*store, along_first, 5).empty());
    CHECK(store->totals()->chunks == 0);
  }

  SECTION("what is stored is counted and found, also after reopening") {
    const Sample sample("/a/Größe 漢字.pdf", "one", 3);
    upsert(*store, sample);
    store.reset();
    store = open();
    CHECK(stored(*store, sample) == 3);
    const std::vector<Hit> hits = search(*store, along_first, 1);
    REQUIRE(hits.size() == 1);
    CHECK(hits[0].key == sample.key);
    CHECK(hits[0].version == sample.id);
    CHECK(hits[0].text == "one 0");
    CHECK(hits[0].chunk.ordinal == 0);
    CHECK(hits[0].chunk.page_first == 1);
    CHECK(hits[0].chunk.page_last == 2);
    CHECK(hits[0].chunk.char_begin == 0);
    CHECK(hits[0].chunk.char_end == 9);
    CHECK(hits[0].chunk.tokens == 7);
    CHECK(std::abs(hits[0].score - 1.0f) < 1e-6f);
  }

  SECTION("the chunks of a version come in their order, with their texts") {
    const Sample sample("a", "one", 3);
    upsert(*store, Sample("b", "one", 2));
    upsert(*store, sample);
    upsert(*store, Sample("a", "two", 4));
    const auto chunks = store->chunks(sample.name());
    REQUIRE(chunks.has_value() == limits.lists_chunks);
    if (chunks) {
      REQUIRE(chunks->size() == 3);
      for (std::size_t i = 0; i < 3; ++i) {
        const Chunk& chunk = (*chunks)[i].chunk;
        CHECK((*chunks)[i].text == sample.texts[i]);
        CHECK(chunk.ordinal == i);
        CHECK(chunk.page_first == i + 1);
        CHECK(chunk.page_last == i + 2);
        CHECK(chunk.char_begin == i * 10);
        CHECK(chunk.char_end == i * 10 + 9);
        CHECK(chunk.tokens == 7);
      }
      CHECK(store->chunks({"c", sample.id})->empty());
    }
  }

  SECTION("the nearest come first, equals in the order of key and ordinal") {
    upsert(*store, Sample("b", "one", 8));
    upsert(*store, Sample("a", "two", 4));
    const std::vector<Hit> hits = search(*store, {0.8f, 0.6f, 0, 0}, 6);
    REQUIRE(hits.size() == 6);
    std::string order;
    for (const Hit& hit : hits) order += hit.key + std::to_string(hit.chunk.ordinal) + " ";
    CHECK(order == "a0 b0 b4 a1 b1 b5 ");
  }

  SECTION("there are no more hits than chunks") {
    upsert(*store, Sample("a", "one", 3));
    CHECK(search(*store, along_first, 100).size() == 3);
    CHECK(search(*store, along_first, 0).empty());
  }

  SECTION("a search keeps to the documents that are accepted") {
    upsert(*store, Sample("a", "one", 4));
    upsert(*store, Sample("b", "two", 4));
    const std::vector<Hit> hits =
        search(*store, along_first, 10, [](const std::string& key) { return key == "b"; });
    CHECK(hits.size() == 4);
    for (const Hit& hit : hits) CHECK(hit.key == "b");
  }

  SECTION("writing a version again changes nothing") {
    const Sample sample("a", "one", 5);
    upsert(*store, sample);
    upsert(*store, sample);
    CHECK(stored(*store, sample) == 5);
    CHECK(store->totals()->vectors == 5);
  }

  SECTION("what an interrupted write left of a version is replaced") {
    upsert(*store, Sample("a", "one", 9));
    const Sample whole("a", "one", 5);
    upsert(*store, whole);
    CHECK(stored(*store, whole) == 5);
    CHECK(store->totals()->chunks == 5);
  }

  SECTION("a later search sees what was written since") {
    upsert(*store, Sample("a", "one", 1));
    CHECK(search(*store, along_first, 10).size() == 1);
    upsert(*store, Sample("b", "two", 1));
    CHECK(search(*store, along_first, 10).size() == 2);
    upsert(*store, Sample("c", "three", 3));
    REQUIRE(store->remove(std::vector<VersionName>{Sample("b", "two", 1).name()}).has_value());
    upsert(*store, Sample("d", "four", 2));
    std::map<std::string, int> chunks;
    for (const Hit& hit : search(*store, along_first, 10)) ++chunks[hit.key];
    CHECK(chunks == std::map<std::string, int>{{"a", 1}, {"c", 3}, {"d", 2}});
    // The last that was written goes, and another takes its place.
    REQUIRE(store->remove(std::vector<VersionName>{Sample("d", "four", 2).name()}).has_value());
    upsert(*store, Sample("e", "five", 1));
    upsert(*store, Sample("a", "one", 1));
    chunks.clear();
    for (const Hit& hit : search(*store, along_first, 10)) ++chunks[hit.key];
    CHECK(chunks == std::map<std::string, int>{{"a", 1}, {"c", 3}, {"e", 1}});
  }

  SECTION("versions are counted together in their order") {
    const Sample one("a", "one", 3);
    const Sample two("b", "two", 2);
    const Sample absent("c", "three", 1);
    upsert(*store, one);
    upsert(*store, two);
    const auto counts =
        store->count(std::vector<VersionName>{two.name(), absent.name(), one.name()});
    REQUIRE(counts.has_value());
    REQUIRE(counts->size() == 3);
    CHECK((*counts)[0].vectors == 2);
    CHECK((*counts)[1].vectors == 0);
    CHECK((*counts)[2].vectors == 3);
  }

  SECTION("versions are removed, and no other version or document") {
    const Sample older("a", "one", 3);
    const Sample newer("a", "two", 2);
    const Sample other("b", "one", 4);
    for (const Sample* sample : {&older, &newer, &other}) upsert(*store, *sample);
    remove(*store, {older.name()});
    CHECK(stored(*store, older) == 0);
    CHECK(stored(*store, newer) == 2);
    CHECK(stored(*store, other) == 4);
    remove(*store, {older.name()});
    remove(*store, {newer.name(), {"nobody", newer.id}});
    CHECK(stored(*store, newer) == 0);
    CHECK(store->totals()->chunks == 4);
  }

  SECTION("an index changes neither what is found nor what is written") {
    upsert(*store, Sample("a", "one", 4));
    REQUIRE(store->build_index().has_value());
    upsert(*store, Sample("b", "two", 1));
    REQUIRE(store->build_index().has_value());
    const std::vector<Hit> hits = search(*store, along_first, 2);
    REQUIRE(hits.size() == 2);
    CHECK(hits[0].key == "a");
    CHECK(hits[1].key == "b");
  }

  SECTION("every version is visited, until the visitor has enough") {
    upsert(*store, Sample("a", "one", 3));
    upsert(*store, Sample("a", "two", 2));
    upsert(*store, Sample("b", "one", 1));
    std::uint64_t chunks = 0;
    REQUIRE(store
                ->for_each([&](const StoredVersion& each) {
                  CHECK(each.count.chunks == each.count.vectors);
                  chunks += each.count.chunks;
                  return true;
                })
                .has_value());
    CHECK(chunks == 6);
    int visits = 0;
    REQUIRE(store->for_each([&](const StoredVersion&) { return ++visits < 2; }).has_value());
    CHECK(visits == 2);
  }

  SECTION("a version without chunks takes nothing") {
    const Sample empty("a", "none", 0);
    upsert(*store, empty);
    CHECK(stored(*store, empty) == 0);
  }

  SECTION("long texts come back whole") {
    Sample sample("a", "one", 1);
    sample.texts[0] = std::string(limits.text_bytes_max - 2, 'x') + "é";
    sample.chunks[0].text = sample.texts[0];
    upsert(*store, sample);
    CHECK(search(*store, along_first, 1)[0].text == sample.texts[0]);
  }
}

}  // namespace penstock
