#include "loadgen/emulate/pinecone_emulator.h"

#include <atomic>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/http/http_client.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

// Two dimensions; serves without latency, in a time of its own that stands still.
class World {
 public:
  explicit World(PineconeEmulatorOptions options = {}) : emulator_(prepare(std::move(options))) {}

  void pass(Duration time) { now_ = now_.load() + time; }

  Result<HttpResponse> send(HttpRequest request, const std::string& key = "key") {
    if (!key.empty()) request.headers.add("Api-Key", key);
    request.url = "http://" + emulator_.address() + request.url;
    std::promise<Result<HttpResponse>> answered;
    client_.send(std::move(request),
                 [&](Result<HttpResponse> response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }
  HttpResponse post(const std::string& path, const Json& body) {
    return send({"POST", path, {}, body.dump()}).value();
  }
  HttpResponse get(const std::string& path) { return send({"GET", path, {}, ""}).value(); }
  Json json_of(const std::string& path) { return Json::parse(get(path).body); }

  HttpResponse upsert(const std::vector<std::string>& ids, const std::string& space = "") {
    Json vectors = Json::array();
    for (const std::string& id : ids)
      vectors.push_back({{"id", id}, {"values", {1, 0}}, {"metadata", {{"key", id}}}});
    return post("/vectors/upsert", {{"vectors", vectors}, {"namespace", space}});
  }
  HttpResponse query(Json more = {}) {
    Json body = {{"vector", {1, 0}}, {"topK", 10}};
    if (!more.is_null()) body.update(more);
    return post("/query", body);
  }
  std::vector<std::string> found(const Json& more = {}) {
    std::vector<std::string> ids;
    const Json answer = Json::parse(query(more).body);
    for (const Json& match : answer["matches"]) ids.push_back(match["id"]);
    return ids;
  }

 private:
  PineconeEmulatorOptions prepare(PineconeEmulatorOptions options) {
    options.listen = "127.0.0.1:0";
    options.dimensions = 2;
    options.latency = {};
    options.now = [this] { return now_.load(); };
    return options;
  }
  static HttpClientOptions impatient() {
    HttpClientOptions options;
    options.stall_timeout = 300ms;
    return options;
  }

  std::atomic<TimePoint> now_{TimePoint(1h)};
  PineconeEmulator emulator_;
  HttpClient client_{impatient()};
};

PineconeEmulatorOptions at_once() {
  PineconeEmulatorOptions options;
  options.visibility = {};
  return options;
}

std::string message_of(const HttpResponse& response) {
  const Json error = Json::parse(response.body);
  CHECK(error["details"] == Json::array());
  return error["message"];
}

TEST_CASE("pinecone emulator: what is upserted is found as the service has it") {
  World world(at_once());
  const HttpResponse upserted =
      world.post("/vectors/upsert",
                 {{"vectors",
                   {{{"id", "a"}, {"values", {0.5, 0}}, {"metadata", {{"n", 7}, {"list", {"x"}}}}},
                    {{"id", "b"}, {"values", {3, 4}}}}}});
  CHECK(upserted.status == 200);
  CHECK(Json::parse(upserted.body) == Json{{"upsertedCount", 2}});
  const Json answer =
      Json::parse(world.query({{"includeMetadata", true}, {"includeValues", true}}).body);
  CHECK(answer["matches"] ==
        Json{{{"id", "a"},
              {"score", 1.0},
              {"values", {0.5, 0}},
              {"metadata", {{"n", 7}, {"list", {"x"}}}}},
             {{"id", "b"}, {"score", 0.6}, {"values", {3, 4}}, {"metadata", Json::object()}}});
  CHECK(Json::parse(world.query({{"topK", 1}}).body)["matches"] ==
        Json{{{"id", "a"}, {"score", 1.0}, {"values", Json::array()}}});
}

TEST_CASE("pinecone emulator: a write is visible when its time has come") {
  PineconeEmulatorOptions options;
  options.visibility = {500ms, 500ms};
  World world(options);
  const HttpResponse first = world.upsert({"a"});
  CHECK(first.headers.find("x-pinecone-request-lsn") == "1");
  world.pass(300ms);
  CHECK(world.upsert({"b"}).headers.find("x-pinecone-request-lsn") == "2");
  CHECK(world.upsert({"c"}, "other").headers.find("x-pinecone-request-lsn") == "1");
  CHECK(world.query().headers.find("x-pinecone-max-indexed-lsn") == "0");
  CHECK(world.found().empty());
  world.pass(200ms);
  CHECK(world.query().headers.find("x-pinecone-max-indexed-lsn") == "1");
  CHECK(world.found() == std::vector<std::string>{"a"});
  CHECK(world.json_of("/vectors/list")["vectors"].size() == 1);
  CHECK(world.json_of("/vectors/fetch?ids=a&ids=b")["vectors"].size() == 1);
  CHECK(world.json_of("/describe_index_stats")["totalVectorCount"] == 1);
  world.pass(300ms);
  CHECK(world.query().headers.find("x-pinecone-max-indexed-lsn") == "2");
  CHECK(world.found().size() == 2);
  CHECK(world.json_of("/describe_index_stats")["namespaces"] ==
        Json{{"", {{"vectorCount", 2}}}, {"other", {{"vectorCount", 1}}}});
}

TEST_CASE("pinecone emulator: writes become visible in their order") {
  PineconeEmulatorOptions options;
  options.visibility = {0ms, 10s};
  options.seed = 3;
  World world(options);
  for (int i = 0; i < 10; ++i) world.upsert({"a" + std::to_string(i)});
  std::size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t count = world.json_of("/vectors/list")["vectors"].size();
    const HttpResponse answer = world.query();
    CHECK(answer.headers.find("x-pinecone-max-indexed-lsn") == std::to_string(count));
    CHECK(count >= before);
    before = count;
    world.pass(100ms);
  }
  CHECK(before == 10);
}

TEST_CASE("pinecone emulator: ids are listed by prefix and page after page") {
  World world(at_once());
  std::vector<std::string> ids;
  for (int i = 100; i < 350; ++i) ids.push_back("v#" + std::to_string(i));
  world.upsert(ids);
  world.upsert({"u", "w", "v"});
  std::vector<std::string> listed;
  std::string token;
  int pages = 0;
  do {
    const Json page = world.json_of("/vectors/list?prefix=v%23&paginationToken=" + token);
    for (const Json& record : page["vectors"]) listed.push_back(record["id"]);
    token = page.contains("pagination") ? page["pagination"]["next"].get<std::string>() : "";
    ++pages;
  } while (!token.empty());
  CHECK(listed == ids);
  CHECK(pages == 3);
  CHECK(world.json_of("/vectors/list?limit=2")["vectors"] == Json{{{"id", "u"}}, {{"id", "v"}}});
  CHECK(world.get("/vectors/list?limit=101").status == 400);
  CHECK(world.get("/vectors/list?limit=0").status == 400);
  CHECK(world.json_of("/vectors/list?namespace=other")["vectors"].empty());
}

TEST_CASE("pinecone emulator: ids are deleted and unknown ones do not matter") {
  World world(at_once());
  const HttpResponse absent = world.post("/vectors/delete", {{"ids", {"a"}}});
  CHECK(absent.status == 404);
  CHECK(message_of(absent) == "Namespace not found");
  world.upsert({"a", "b"});
  const HttpResponse deleted = world.post("/vectors/delete", {{"ids", {"a", "x"}}});
  CHECK(deleted.body == "{}");
  CHECK(deleted.headers.find("x-pinecone-request-lsn") == "2");
  CHECK(world.found() == std::vector<std::string>{"b"});
}

TEST_CASE("pinecone emulator: a filter leaves out what it names") {
  World world(at_once());
  world.upsert({"a", "b", "c"});
  const Json none = {{"$nin", {"a", "c"}}};
  CHECK(world.found({{"filter", {{"key", none}}}}) == std::vector<std::string>{"b"});
  CHECK(world.found({{"filter", {{"key", {{"$in", {"c"}}}}}}}) == std::vector<std::string>{"c"});
  CHECK(world.found({{"filter", {{"other", none}}}}).size() == 3);
  CHECK(world.query({{"filter", {{"key", {{"$gt", 3}}}}}}).status == 400);
}

TEST_CASE("pinecone emulator: what the service refuses is refused in its words") {
  World world(at_once());
  const auto refused = [&](const Json& record) {
    const HttpResponse response = world.post("/vectors/upsert", {{"vectors", {record}}});
    CHECK(response.status == 400);
    return message_of(response);
  };
  CHECK(refused({{"id", "a"}, {"values", {1, 0, 0}}}) ==
        "Vector dimension 3 does not match the dimension of the index 2");
  CHECK(refused({{"id", "a"}, {"values", {0, 0}}}) ==
        "Dense vectors must contain at least one non-zero value.");
  CHECK(refused({{"id", std::string(513, 'x')}, {"values", {1, 0}}}) ==
        "Vector ID length 513 exceeds the limit of 512 characters");
  CHECK(refused({{"id", "é"}, {"values", {1, 0}}}) == "Vector ID must be ASCII");
  CHECK(refused({{"values", {1, 0}}}) == "Vector ID must not be empty");
  CHECK(refused({{"id", "a"}, {"values", {1, 0}}, {"metadata", {{"m", nullptr}}}}) ==
        "Metadata value must be a string, number, boolean or list of strings, got 'null' for "
        "field 'm'");
  const auto metadata = [](std::size_t bytes) {
    return Json{{"id", "a"},
                {"values", {1, 0}},
                {"metadata", {{"m", std::string(bytes - std::string(R"({"m":""})").size(), 'x')}}}};
  };
  CHECK(refused(metadata(40'961)) ==
        "metadata size is 40961 bytes, which exceeds the limit of 40960 bytes per vector");
  CHECK(world.post("/vectors/upsert", {{"vectors", {metadata(40'960)}}}).status == 200);
  CHECK(world.upsert(std::vector<std::string>(1'000, "a")).status == 200);
  CHECK(world.upsert(std::vector<std::string>(1'001, "a")).status == 400);
  CHECK(world.query({{"topK", 0}}).status == 400);
  CHECK(world.query({{"topK", 10'000}}).status == 200);
  CHECK(world.query({{"topK", 10'001}}).status == 400);
  CHECK(world.query({{"topK", 1'001}, {"includeMetadata", true}}).status == 400);
  CHECK(world.send({"POST", "/vectors/upsert", {}, "{"})->status == 400);
  CHECK(world.get("/vectors/fetch").status == 400);
  CHECK(world.get("/nothing").status == 404);
  CHECK(world.json_of("/stats")["refused"] == 14);
}

TEST_CASE("pinecone emulator: a request has two megabytes and an answer four") {
  World world(at_once());
  const auto upsert = [&](const std::string& prefix, int count) {
    Json vectors = Json::array();
    for (int i = 0; i < count; ++i)
      vectors.push_back({{"id", prefix + std::to_string(i)},
                         {"values", {1, 0}},
                         {"metadata", {{"m", std::string(40'000, 'x')}}}});
    return world.post("/vectors/upsert", {{"vectors", vectors}});
  };
  CHECK(upsert("a", 52).status == 200);
  CHECK(upsert("b", 52).status == 200);
  const HttpResponse large = upsert("c", 53);
  CHECK(large.status == 400);
  CHECK(Json::parse(large.body)["code"] == 11);
  CHECK_THAT(message_of(large), ContainsSubstring("the limit is: 2097152 bytes"));
  CHECK(world.query({{"topK", 104}, {"includeMetadata", true}}).status == 200);
  CHECK(upsert("d", 1).status == 200);
  CHECK(world.query({{"topK", 104}, {"includeMetadata", true}}).status == 200);
  CHECK(world.query({{"topK", 105}, {"includeMetadata", true}}).status == 400);
}

TEST_CASE("pinecone emulator: a namespace is asked no faster than it may be") {
  PineconeEmulatorOptions options = at_once();
  options.limits.upserts = 3;
  options.limits.upsert_bytes = 10'000;
  World world(options);
  for (int i = 0; i < 3; ++i) CHECK(world.upsert({"a"}).status == 200);
  const HttpResponse limited = world.upsert({"a"});
  CHECK(limited.status == 429);
  CHECK(Json::parse(limited.body)["code"] == 8);
  CHECK(world.upsert({"a"}, "other").status == 200);
  world.pass(334ms);
  CHECK(world.upsert({"a"}).status == 200);
  world.pass(1s);
  CHECK(world.upsert({std::string(9'000 / 20, 'x')}).status == 200);
  CHECK(world.upsert(std::vector<std::string>(100, std::string(40, 'x'))).status == 429);
  CHECK(world.json_of("/stats")["rate_limited"] == 2);
}

TEST_CASE("pinecone emulator: only the key that it knows is taken") {
  PineconeEmulatorOptions options = at_once();
  SECTION("one") {
    options.api_key = "right";
    World world(options);
    CHECK(world.send({"GET", "/vectors/list", {}, ""}, "right")->status == 200);
    CHECK(world.send({"GET", "/vectors/list", {}, ""}, "wrong")->status == 401);
    CHECK(world.send({"GET", "/vectors/list", {}, ""}, "")->status == 401);
  }
  SECTION("any") {
    World world(options);
    CHECK(world.send({"GET", "/vectors/list", {}, ""}, "any")->status == 200);
    CHECK(world.send({"GET", "/vectors/list", {}, ""}, "")->status == 401);
  }
}

TEST_CASE(
    "pinecone emulator: a write whose answer is lost has happened and one that fails has not") {
  const auto [kind, has_happened] = GENERATE(table<FaultKind, bool>({
      {FaultKind::rate_limited, false},
      {FaultKind::rate_limited_bare, false},
      {FaultKind::server_error, false},
      {FaultKind::unavailable, false},
      {FaultKind::reset, true},
      {FaultKind::stall, true},
      {FaultKind::truncated, true},
      {FaultKind::malformed, true},
  }));
  INFO(name_of(kind));
  PineconeEmulatorOptions options = at_once();
  options.fault_fraction = 1;
  options.fault_kinds = {kind};
  World world(options);
  const Json body = {{"vectors", {{{"id", "a"}, {"values", {1, 0}}}}}};
  const Result<HttpResponse> response = world.send({"POST", "/vectors/upsert", {}, body.dump()});
  CHECK((response && response->status == 200) == (kind == FaultKind::malformed));
  if (response && kind == FaultKind::malformed) CHECK_FALSE(Json::accept(response->body));
  const Json stats = world.json_of("/stats");
  CHECK(stats["records"] == (has_happened ? 1 : 0));
  CHECK(stats["faults"][std::string(name_of(kind))] == 1);
  CHECK(stats["answered"] == 0);
}

}  // namespace
}  // namespace penstock
