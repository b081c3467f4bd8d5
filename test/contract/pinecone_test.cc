#include <atomic>
#include <chrono>
#include <cmath>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "engine/backends/pinecone/pinecone_vectors.h"
#include "engine/http/http_server.h"
#include "loadgen/emulate/pinecone_emulator.h"
#include "test/contract/vector_store_contract.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Catch::Matchers::StartsWith;
using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* secret = "pcsk_hunter2";

// Attempts follow each other at once, and give up only where a test runs without an end.
PineconeOptions options_for(const std::string& url) {
  PineconeOptions options;
  options.url = url;
  options.api_key = Secret(secret);
  options.pause_first = Duration{};
  options.pause_max = Duration{};
  options.http.stall_timeout = 5s;
  return options;
}

Result<HttpResponse> ask(HttpRequest request) {
  HttpClient client({});
  std::promise<Result<HttpResponse>> answered;
  client.send(std::move(request),
              [&](Result<HttpResponse> response) { answered.set_value(std::move(response)); });
  return answered.get_future().get();
}

// An emulated index without latency, in whose time each request takes a while.
class Index {
 public:
  explicit Index(PineconeEmulatorOptions options = {}, Duration a_request = 20ms)
      : a_request_(a_request), emulator_(prepare(std::move(options))) {}

  std::unique_ptr<PineconeVectors> open(const std::string& model = "m") {
    return std::make_unique<PineconeVectors>(options_for(emulator_.url() + "/space"), model,
                                             dimensions_);
  }
  Json stats() {
    return Json::parse(
        ask({"GET", "http://" + emulator_.address() + "/stats", {}, ""}).value().body);
  }
  std::uint64_t requests(const std::string& operation) { return stats()["requests"][operation]; }
  std::string url() const { return emulator_.url(); }

  // Puts a record there as another program would.
  void put(const std::string& id, std::vector<float> values, const Json& metadata) {
    HttpRequest request{"POST", "http://" + emulator_.address() + "/vectors/upsert", {}, ""};
    request.headers.add("api-key", secret);
    request.body =
        Json{{"namespace", "space"},
             {"vectors", {{{"id", id}, {"values", std::move(values)}, {"metadata", metadata}}}}}
            .dump();
    REQUIRE(ask(std::move(request))->status == 200);
  }
  Json fetch(const std::string& id) {
    HttpRequest request{
        "GET",
        "http://" + emulator_.address() + "/vectors/fetch?ids=" + id + "&namespace=space",
        {},
        ""};
    request.headers.add("api-key", secret);
    return Json::parse(ask(std::move(request))->body)["vectors"];
  }

 private:
  PineconeEmulatorOptions prepare(PineconeEmulatorOptions options) {
    options.listen = "127.0.0.1:0";
    options.api_key = secret;
    options.latency = {};
    options.now = [this] { return now_ = now_.load() + a_request_; };
    dimensions_ = options.dimensions;
    return options;
  }

  const Duration a_request_;
  std::size_t dimensions_ = 0;
  std::atomic<TimePoint> now_{TimePoint(1h)};
  PineconeEmulator emulator_;
};

PineconeEmulatorOptions visible_at_once(std::size_t dimensions = contract_dimensions) {
  PineconeEmulatorOptions options;
  options.dimensions = dimensions;
  options.visibility = {};
  return options;
}

// A version of so many chunks of one text.
struct Sample {
  Sample(std::string document, std::size_t count, std::size_t dimensions = contract_dimensions,
         std::string_view words = "text")
      : key(std::move(document)), id(VersionId::of("content", "test")), text(words) {
    vectors.resize(count * dimensions);
    for (std::size_t i = 0; i < count; ++i) {
      Chunk chunk;
      chunk.ordinal = static_cast<std::uint32_t>(i);
      chunk.text = text;
      chunks.push_back(chunk);
      for (std::size_t d = 0; d < dimensions; ++d)
        vectors[i * dimensions + d] =
            std::sin(static_cast<float>(i * dimensions + d + 1)) / std::sqrt(dimensions / 2.0f);
    }
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;

  VersionChunks view() const { return {key, id, chunks, vectors}; }
  VersionName name() const { return {key, id}; }

  std::string key;
  VersionId id;
  std::string text;
  std::vector<Chunk> chunks;
  std::vector<float> vectors;
};

Result<void> upsert(VectorStore& store, const Sample& sample) {
  return store.upsert(std::vector<VersionChunks>{sample.view()});
}

Result<std::vector<VersionCount>> count(VectorStore& store, const Sample& sample) {
  return store.count(std::vector<VersionName>{sample.name()});
}

void run_contract(Index& index) {
  run_vector_store_contract([&]() -> OpenVectorStore { return [&] { return index.open(); }; },
                            VectorStoreLimits{.text_bytes_max = 40'000, .lists_chunks = false});
}

TEST_CASE("pinecone: keeps the contract of a vector store") {
  Index index(visible_at_once());
  run_contract(index);
}

TEST_CASE("pinecone: keeps the contract while writes become visible later") {
  PineconeEmulatorOptions options = visible_at_once();
  options.visibility = {100ms, 2s};
  Index index(options);
  run_contract(index);
}

TEST_CASE("pinecone: keeps the contract while requests fail") {
  PineconeEmulatorOptions options = visible_at_once();
  options.visibility = {0ms, 300ms};
  options.fault_fraction = 0.3;
  options.fault_kinds = {FaultKind::rate_limited_bare, FaultKind::server_error, FaultKind::reset,
                         FaultKind::truncated, FaultKind::malformed};
  options.seed = GENERATE(1, 2, 3);
  Index index(options);
  run_contract(index);
}

TEST_CASE("pinecone: an upsert request is as large as may be and no larger") {
  Index index(visible_at_once(1'536));
  const auto store = index.open();
  REQUIRE(upsert(*store, Sample("a", 300, 1'536)).has_value());
  const Json stats = index.stats();
  CHECK(stats["max_upsert_bytes"] <= 2'000'000);
  CHECK(stats["max_upsert_bytes"] > 1'950'000);
  CHECK(stats["refused"] == 0);
  CHECK(count(*store, Sample("a", 300, 1'536))->front().vectors == 300);
}

TEST_CASE("pinecone: an upsert request has a thousand records at most") {
  Index index(visible_at_once());
  const auto store = index.open();
  const std::uint64_t before = index.requests("upsert");
  REQUIRE(upsert(*store, Sample("a", 2'500)).has_value());
  CHECK(index.requests("upsert") - before == 3);
  CHECK(index.stats()["max_upsert_records"] == 1'000);
  CHECK(count(*store, Sample("a", 2'500))->front().vectors == 2'500);
}

TEST_CASE("pinecone: thousands of records are removed a thousand at once") {
  Index index(visible_at_once());
  const auto store = index.open();
  const Sample large("a", 2'500);
  const Sample other("b", 1);
  REQUIRE(upsert(*store, large).has_value());
  REQUIRE(upsert(*store, other).has_value());
  REQUIRE(store->remove(std::vector<VersionName>{large.name()}).has_value());
  CHECK(index.requests("delete") == 3);
  CHECK(store->totals()->chunks == 1);
  CHECK(index.stats()["refused"] == 0);
}

TEST_CASE("pinecone: rate limits delay and lose nothing") {
  PineconeEmulatorOptions options = visible_at_once();
  options.limits.upserts = 2;
  options.limits.lists = 5;
  Index index(options);
  const auto store = index.open();
  std::deque<Sample> samples;
  for (int i = 0; i < 10; ++i) samples.emplace_back("key " + std::to_string(i), 1'200);
  std::vector<VersionChunks> versions;
  std::vector<VersionName> names;
  for (const Sample& sample : samples) {
    versions.push_back(sample.view());
    names.push_back(sample.name());
  }
  REQUIRE(store->upsert(versions).has_value());
  const auto counts = store->count(names);
  REQUIRE(counts.has_value());
  for (const VersionCount& each : *counts) CHECK(each.vectors == 1'200);
  CHECK(index.stats()["rate_limited"] > 20);
}

TEST_CASE("pinecone: every version is visited once however many there are") {
  Index index(visible_at_once());
  const auto store = index.open();
  std::deque<Sample> samples;
  for (int i = 0; i < 120; ++i)
    samples.emplace_back("key " + std::to_string(i), i == 7 ? 250 : 1 + i % 3);
  std::vector<VersionChunks> versions;
  for (const Sample& sample : samples) versions.push_back(sample.view());
  REQUIRE(store->upsert(versions).has_value());
  index.put("somebody#else", {1, 0, 0, 0}, {{"key", "x"}});
  std::map<std::string, std::uint64_t> found;
  REQUIRE(store
              ->for_each([&](const StoredVersion& version) {
                CHECK(found.emplace(version.name.key, version.count.chunks).second);
                CHECK(version.name.version == samples[0].id);
                return true;
              })
              .has_value());
  REQUIRE(found.size() == samples.size());
  for (const Sample& sample : samples) CHECK(found[sample.key] == sample.chunks.size());
}

TEST_CASE("pinecone: a search finds the only accepted document behind many others") {
  Index index(visible_at_once());
  const auto store = index.open();
  std::deque<Sample> samples;
  for (int i = 0; i < 300; ++i) samples.emplace_back("key " + std::to_string(i), 2);
  for (Sample& sample : samples) sample.vectors = {1, 0, 0, 0, 0.8f, 0.6f, 0, 0};
  samples[123].vectors = {-1, 0, 0, 0, -0.8f, -0.6f, 0, 0};
  std::vector<VersionChunks> versions;
  for (const Sample& sample : samples) versions.push_back(sample.view());
  REQUIRE(store->upsert(versions).has_value());
  const auto hits = store->search(std::vector<float>{1, 0, 0, 0}, 3,
                                  [](const std::string& key) { return key == "key 123"; });
  REQUIRE(hits.has_value());
  REQUIRE(hits->size() == 2);
  CHECK((*hits)[0].chunk.ordinal == 1);
  CHECK((*hits)[1].chunk.ordinal == 0);
  CHECK(store->search(std::vector<float>{1, 0, 0, 0}, 1'000, {})->size() == 600);
}

TEST_CASE("pinecone: what is not ours is not found") {
  Index index(visible_at_once());
  const auto store = index.open();
  index.put("somebody#else", {1, 0, 0, 0}, {{"key", "x"}, {"text", "y"}});
  REQUIRE(upsert(*store, Sample("a", 1)).has_value());
  const auto hits = store->search(std::vector<float>{1, 0, 0, 0}, 5, {});
  REQUIRE(hits.has_value());
  REQUIRE(hits->size() == 1);
  CHECK((*hits)[0].key == "a");
}

TEST_CASE("pinecone: a text that is too long ends early at a character and says so") {
  Index index(visible_at_once());
  const auto store = index.open();
  std::string text;
  while (text.size() < 60'000) text += "水\n\"";
  const Sample sample("a", 1, contract_dimensions, text);
  REQUIRE(upsert(*store, sample).has_value());
  const auto hits = store->search(std::vector<float>{1, 0, 0, 0}, 1, {});
  REQUIRE(hits.has_value());
  REQUIRE(hits->size() == 1);
  const std::string& stored = hits->front().text;
  CHECK(text.starts_with(stored));
  // Each seven bytes of it, as JSON, are five of the text.
  CHECK(stored.size() > 40'000 * 5 / 7 - 250);
  const std::string id = DocumentId::of_key("a").hex() + "%23" + sample.id.hex() + "%2300000000";
  const Json records = index.fetch(id);
  REQUIRE(records.size() == 1);
  CHECK(records.begin().value()["metadata"]["text_cut"] == true);
  CHECK(index.stats()["refused"] == 0);
}

TEST_CASE("pinecone: vectors of another model are refused") {
  Index index(visible_at_once());
  index.open("openai:one/4");
  CHECK_NOTHROW(index.open("openai:one/4"));
  const std::string words = index.url() +
                            "/space: holds vectors of openai:one/4 4, not of openai:two/4 4; use "
                            "that --embedder, or another --store";
  CHECK_THROWS_WITH(index.open("openai:two/4"), words);
  PineconeVectors reader(options_for(index.url() + "/space"));
  CHECK_THROWS_WITH(reader.require_model("openai:two/4", 4), words);
  CHECK_NOTHROW(reader.require_model("openai:one/4", 4));
  CHECK_NOTHROW(PineconeVectors(options_for(index.url() + "/other"), "openai:two/4", 4));
}

TEST_CASE("pinecone: an index of another dimension is refused") {
  Index index(visible_at_once(8));
  CHECK_THROWS_WITH(PineconeVectors(options_for(index.url()), "m", 4),
                    index.url() +
                        ": the index has vectors of 8 dimensions, and m makes such of 4; create an "
                        "index for them");
}

TEST_CASE("pinecone: a key that is not known and a host that is not there end the start") {
  Index index(visible_at_once());
  PineconeOptions options = options_for(index.url());
  options.api_key = Secret("pcsk_wrong");
  CHECK_THROWS_WITH(PineconeVectors(options),
                    index.url() +
                        ": HTTP 401: Invalid API Key; is PINECONE_API_KEY a key of this index's "
                        "project, and may it write?");
  options.url = "pinecone://127.0.0.1:1";
  options.patience = Duration{};
  CHECK_THROWS_WITH(PineconeVectors(options), StartsWith("pinecone://127.0.0.1:1: "));
}

struct Reply {
  int status = 200;
  std::string body;
  HttpHeaders headers;
};

// An empty index that answers as it is told to.
class Script {
 public:
  Script()
      : server_({}, [this](const ServedRequest& request, const Responder& responder) {
          const Reply reply = answer(request);
          if (reply.status == 0) return responder.abort();
          responder.respond(reply.status, reply.headers, reply.body);
        }) {}

  static constexpr int reset = 0;  // as a status: closes the connection

  // Of the next request for this path.
  void answer_next(const std::string& path, Reply reply) {
    const std::lock_guard lock(mutex_);
    next_[path].push_back(std::move(reply));
  }
  // Of all those from now on.
  void answer(const std::string& path, Reply reply) {
    const std::lock_guard lock(mutex_);
    always_[path] = std::move(reply);
  }
  std::string url() const { return "pinecone://" + server_.address(); }
  std::vector<ServedRequest> requests(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    std::vector<ServedRequest> found;
    for (const ServedRequest& request : requests_)
      if (request.target.starts_with(path)) found.push_back(request);
    return found;
  }
  std::unique_ptr<PineconeVectors> open(PineconeOptions options) const {
    options.url = url();
    return std::make_unique<PineconeVectors>(options, "m", contract_dimensions);
  }
  std::unique_ptr<PineconeVectors> open() const { return open(options_for("")); }

 private:
  Reply answer(const ServedRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const std::string path = request.target.substr(0, request.target.find('?'));
    std::deque<Reply>& next = next_[path];
    if (!next.empty()) {
      Reply reply = std::move(next.front());
      next.pop_front();
      return reply;
    }
    if (const auto found = always_.find(path); found != always_.end()) return found->second;
    if (path == "/describe_index_stats") return {200, R"({"dimension":4,"namespaces":{}})", {}};
    if (path == "/query") return {200, R"({"matches":[]})", {{"x-pinecone-max-indexed-lsn", "7"}}};
    if (path == "/vectors/upsert") {
      const std::size_t records = Json::parse(request.body)["vectors"].size();
      return {200, Json{{"upsertedCount", records}}.dump(), {{"x-pinecone-request-lsn", "7"}}};
    }
    return {200, "{}", {{"x-pinecone-request-lsn", "7"}}};
  }

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::deque<Reply>> next_;
  std::map<std::string, Reply> always_;
  std::vector<ServedRequest> requests_;
  HttpServer server_;  // last: its thread uses the rest
};

TEST_CASE("pinecone: a request carries the key and the version of the protocol") {
  const Script script;
  script.open();
  const ServedRequest request = script.requests("/vectors/upsert").front();
  CHECK(request.method == "POST");
  CHECK(request.headers.find("api-key") == secret);
  CHECK(request.headers.find("x-pinecone-api-version") == "2025-04");
  CHECK(request.headers.find("content-type") == "application/json");
}

TEST_CASE("pinecone: Retry-After is obeyed") {
  Script script;
  PineconeOptions options = options_for("");
  options.pause_first = 1h;
  options.pause_max = 1h;
  const auto store = script.open(options);
  SECTION("at once if it says so") {
    script.answer_next("/vectors/upsert", {429, R"({"message":"slow"})", {{"retry-after", "0"}}});
    CHECK(upsert(*store, Sample("a", 1)).has_value());
    CHECK(script.requests("/vectors/upsert").size() == 3);
  }
  SECTION("and beyond all patience there is no other attempt") {
    script.answer("/vectors/upsert", {503, R"({"message":"slow"})", {{"retry-after", "3600"}}});
    const auto done = upsert(*store, Sample("a", 1));
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().kind == ErrorKind::retryable);
    CHECK(done.error().message ==
          script.url() + ": HTTP 503: slow (it asks to come back in 3600 s); gave up after 60 s");
    CHECK(script.requests("/vectors/upsert").size() == 2);
  }
}

TEST_CASE("pinecone: what fails by the service's fault is asked for again") {
  Script script;
  const auto store = script.open();
  const Reply reply =
      GENERATE(Reply{500, "", {}}, Reply{429, "", {}}, Reply{408, "", {}},
               Reply{Script::reset, "", {}}, Reply{200, "<html>busy</html>", {}},
               Reply{200, R"({"upsertedCount":1)", {}}, Reply{200, R"({"upsertedCount":1})", {}},
               Reply{200, "", {}}, Reply{200, R"({"upsertedCount":"2"})", {}});
  INFO(reply.status << " " << reply.body);
  script.answer_next("/vectors/upsert", reply);
  CHECK(upsert(*store, Sample("a", 2)).has_value());
  const auto requests = script.requests("/vectors/upsert");
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].body == requests[2].body);
}

TEST_CASE("pinecone: patience ends") {
  Script script;
  PineconeOptions options = options_for("");
  options.patience = Duration{};
  const auto store = script.open(options);
  const auto failed = [&](const std::string& path, const Reply& reply) {
    script.answer(path, reply);
    const auto done = path == "/vectors/upsert"
                          ? upsert(*store, Sample("a", 1))
                          : count(*store, Sample("a", 1)).map([](const auto&) {});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().kind == ErrorKind::retryable);
    return done.error().message.substr(script.url().size());
  };
  CHECK(failed("/vectors/upsert", {500, "", {}}) == ": HTTP 500");
  CHECK_THAT(failed("/vectors/list", {200, "<html>", {}}),
             StartsWith(": the answer is not what was expected: "));
  CHECK(failed("/vectors/list", {200, R"({"vectors":[{}]})", {}}) ==
        ": the answer is not what was expected: a record without an id");
  CHECK(failed("/vectors/list", {200, R"({"vectors":7})", {}}) ==
        ": the answer is not what was expected: vectors is something else");
  CHECK(failed("/vectors/list", {200, R"({"pagination":{"next":"x"}})", {}}) ==
        ": the answer is not what was expected: an empty page that is not the last");
}

TEST_CASE("pinecone: a list that goes in circles ends") {
  Script script;
  PineconeOptions options = options_for("");
  options.patience = Duration{};
  const auto store = script.open(options);
  script.answer("/vectors/list",
                {200, R"({"vectors":[{"id":"x"}],"pagination":{"next":"again"}})", {}});
  CHECK(count(*store, Sample("a", 1)).error().message ==
        script.url() + ": a page of ids that is followed by itself");
}

TEST_CASE("pinecone: what the service refuses is an error in its words") {
  Script script;
  const auto store = script.open();
  script.answer("/vectors/upsert",
                {400, R"({"code":3,"message":"Bad\nrequest with pcsk_hunter2","details":[]})", {}});
  const auto done = upsert(*store, Sample("a", 1));
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().kind == ErrorKind::permanent);
  CHECK(done.error().message == script.url() + ": HTTP 400: Bad request with [redacted]");
  CHECK(script.requests("/vectors/upsert").size() == 2);
}

TEST_CASE("pinecone: a count waits until what was written is visible") {
  Script script;
  const auto store = script.open();
  script.answer_next("/vectors/upsert",
                     {200, R"({"upsertedCount":1})", {{"x-pinecone-request-lsn", "12"}}});
  REQUIRE(upsert(*store, Sample("a", 1)).has_value());
  const std::size_t before = script.requests("/query").size();
  for (const char* lsn : {"11", "", "ten", "-1"})
    script.answer_next("/query", {200, "{}", {{"x-pinecone-max-indexed-lsn", lsn}}});
  script.answer_next("/query", {200, "{}", {{"x-pinecone-max-indexed-lsn", "12"}}});
  CHECK(count(*store, Sample("a", 1))->front().vectors == 0);
  CHECK(script.requests("/query").size() == before + 5);
  // And only once.
  CHECK(count(*store, Sample("a", 1)).has_value());
  CHECK(script.requests("/query").size() == before + 5);
}

TEST_CASE("pinecone: a service that promises what it does not show is not believed") {
  Script script;
  const auto store = script.open();
  script.answer("/query", {200, "{}", {{"x-pinecone-max-indexed-lsn", "18446744073709551615"}}});
  REQUIRE(upsert(*store, Sample("a", 3)).has_value());
  CHECK(count(*store, Sample("a", 3))->front().vectors == 0);
}

TEST_CASE("pinecone: what never becomes visible is an error") {
  Script script;
  PineconeOptions options = options_for("");
  options.patience = Duration{};
  const auto store = script.open(options);
  script.answer_next("/vectors/upsert",
                     {200, R"({"upsertedCount":1})", {{"x-pinecone-request-lsn", "8"}}});
  REQUIRE(upsert(*store, Sample("a", 1)).has_value());
  const auto counted = count(*store, Sample("a", 1));
  REQUIRE_FALSE(counted.has_value());
  CHECK(counted.error().kind == ErrorKind::retryable);
  CHECK(counted.error().message == script.url() + ": what was written is not visible yet");
  CHECK(store->search(std::vector<float>{1, 0, 0, 0}, 1, {}).error().message ==
        counted.error().message);
}

TEST_CASE("pinecone: an index that numbers no writes will not do") {
  Script script;
  script.answer("/vectors/upsert", {200, R"({"upsertedCount":1})", {}});
  CHECK_THROWS_WITH(script.open(), ContainsSubstring("only serverless indexes will do"));
}

TEST_CASE("pinecone: an index that compares otherwise will not do") {
  Script script;
  SECTION("by distance") {
    script.answer("/describe_index_stats", {200, R"({"dimension":4,"metric":"euclidean"})", {}});
    CHECK_THROWS_WITH(script.open(), script.url() +
                                         ": the index compares by euclidean; create one whose "
                                         "metric is cosine");
  }
  SECTION("sparse vectors") {
    script.answer("/describe_index_stats", {200, R"({"namespaces":{}})", {}});
    CHECK_THROWS_WITH(script.open(), script.url() + ": not an index of dense vectors; create one");
  }
}

TEST_CASE("pinecone: a namespace that is not there yet is an empty one") {
  Script script;
  const auto store = script.open();
  const Reply absent{404, R"({"code":5,"message":"Namespace not found","details":[]})", {}};
  for (const char* path : {"/vectors/list", "/vectors/delete", "/vectors/fetch"})
    script.answer(path, absent);
  CHECK(count(*store, Sample("a", 1))->front().vectors == 0);
  CHECK(store->totals()->chunks == 0);
  CHECK(store->remove(std::vector<VersionName>{Sample("a", 1).name()}).has_value());
}

TEST_CASE("pinecone: a key that is no UTF-8 is refused before anything is written") {
  const Script script;
  const auto store = script.open();
  const auto done = upsert(*store, Sample("caf\xE9", 1));
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().kind == ErrorKind::permanent);
  CHECK(script.requests("/vectors/upsert").size() == 1);
}

}  // namespace
}  // namespace penstock
