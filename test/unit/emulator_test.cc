#include <atomic>
#include <cstring>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/http/http_client.h"
#include "engine/stages/tokenize/tokenizer.h"
#include "loadgen/emulate/openai_emulator.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using Catch::Matchers::StartsWith;
using Json = nlohmann::json;
using namespace std::chrono_literals;

// Serves without latency, in a time of its own that stands still.
class World {
 public:
  explicit World(OpenAiEmulatorOptions options = {}) : emulator_(prepare(std::move(options))) {}

  void pass(Duration time) { now_ = now_.load() + time; }

  Result<HttpResponse> send(HttpRequest request) {
    std::promise<Result<HttpResponse>> answered;
    client_.send(std::move(request),
                 [&](Result<HttpResponse> response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }

  Result<HttpResponse> embed_raw(std::string body, const std::string& key = "") {
    HttpRequest request{"POST", emulator_.url() + "/embeddings", {}, std::move(body)};
    if (!key.empty()) request.headers.add("authorization", "Bearer " + key);
    return send(std::move(request));
  }
  Result<HttpResponse> embed(const Json& input, const std::string& key = "") {
    return embed_raw(
        Json{{"input", input}, {"model", "text-embedding-3-small"}, {"dimensions", 8}}.dump(), key);
  }
  // Of a path beside /v1.
  HttpResponse control(const std::string& method, const std::string& path) {
    std::string url = emulator_.url();
    url.resize(url.size() - 3);
    return send({method, url + path, {}, method == "POST" ? "{}" : ""}).value();
  }
  Json stats() { return Json::parse(control("GET", "/stats").body); }
  OpenAiEmulator& emulator() { return emulator_; }

 private:
  OpenAiEmulatorOptions prepare(OpenAiEmulatorOptions options) {
    options.listen = "127.0.0.1:0";
    options.latency = {};
    options.now = [this] { return now_.load(); };
    return options;
  }
  static HttpClientOptions impatient() {
    HttpClientOptions options;
    options.stall_timeout = 300ms;
    options.total_timeout = 20s;
    return options;
  }

  std::atomic<TimePoint> now_{TimePoint(1h)};
  OpenAiEmulator emulator_;
  HttpClient client_{impatient()};
};

std::vector<float> numbers_of(const Json& embedding) {
  return embedding.get<std::vector<float>>();
}

std::vector<float> floats_of(const std::string& base64) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int held = 0;
  for (const char c : base64) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    held += 6;
    if (held >= 8) bytes += static_cast<char>(bits >> (held -= 8) & 0xFF);
  }
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

std::string message_of(const HttpResponse& response) {
  return Json::parse(response.body)["error"]["message"];
}

TEST_CASE("emulator: answers in OpenAI's form") {
  World world;
  const HttpResponse response = world.embed({"hello world", "and more"}).value();
  CHECK(response.status == 200);
  CHECK(response.headers.find("content-type") == "application/json");
  const Json answer = Json::parse(response.body);
  CHECK(answer["object"] == "list");
  CHECK(answer["model"] == "text-embedding-3-small");
  CHECK(answer["usage"]["prompt_tokens"] == 4);
  CHECK(answer["usage"]["total_tokens"] == 4);
  REQUIRE(answer["data"].size() == 2);
  CHECK(answer["data"][0]["object"] == "embedding");
  CHECK(answer["data"][1]["index"] == 1);
  CHECK(answer["data"][0]["embedding"].size() == 8);
  CHECK(answer["data"][0]["embedding"] != answer["data"][1]["embedding"]);
}

TEST_CASE("emulator: vectors are as long as the model has it unless the request asks otherwise") {
  World world;
  const auto dimensions = [&](Json request) {
    request["input"] = "x";
    const HttpResponse response = world.embed_raw(request.dump()).value();
    INFO(response.body);
    REQUIRE(response.status == 200);
    return Json::parse(response.body)["data"][0]["embedding"].size();
  };
  CHECK(dimensions({{"model", "text-embedding-3-small"}}) == 1'536);
  CHECK(dimensions({{"model", "text-embedding-3-large"}}) == 3'072);
  CHECK(dimensions({{"model", "text-embedding-ada-002"}}) == 1'536);
  CHECK(dimensions({{"model", "bge-small"}}) == 1'536);
  CHECK(dimensions({{"model", "bge-small"}, {"dimensions", 384}}) == 384);
  CHECK(dimensions({{"model", "text-embedding-3-large"}, {"dimensions", 256}}) == 256);
}

TEST_CASE("emulator: base64 and numbers are the same vectors") {
  World world;
  Json request = {{"input", "the gate of the mill"}, {"model", "text-embedding-3-small"}};
  const Json numbers = Json::parse(world.embed_raw(request.dump())->body);
  request["encoding_format"] = "base64";
  const Json base64 = Json::parse(world.embed_raw(request.dump())->body);
  CHECK(floats_of(base64["data"][0]["embedding"]) == numbers_of(numbers["data"][0]["embedding"]));
}

TEST_CASE("emulator: a text and its token ids have the same vector and the same price") {
  World world;
  const std::string text = "the gate of the mill";
  const std::vector<std::uint32_t> ids = Tokenizer(Encoding::cl100k_base).encode(text);
  const Json of_text = Json::parse(world.embed(text)->body);
  CHECK(Json::parse(world.embed(Json(ids))->body) == of_text);
  CHECK(Json::parse(world.embed({ids})->body) == of_text);
  CHECK(of_text["usage"]["total_tokens"] == ids.size());
}

TEST_CASE("emulator: what OpenAI does not take is refused with its words") {
  World world({.limits = {1'000'000, 1'000'000'000}});
  const auto refused = [&](const Json& input) {
    const HttpResponse response = world.embed(input).value();
    CHECK(response.status == 400);
    return message_of(response);
  };
  const std::string bad_input =
      "'$.input' is invalid. Please check the API reference: "
      "https://platform.openai.com/docs/api-reference.";
  CHECK(refused(Json::array()) == bad_input);
  CHECK(refused("") == bad_input);
  CHECK(refused({"a", ""}) == bad_input);
  CHECK(refused({"a", 1}) == bad_input);
  CHECK(refused({1, "a"}) == bad_input);
  CHECK(refused({-1}) == bad_input);
  CHECK(refused({4'000'000'000}) == bad_input);
  CHECK(refused({Json::array()}) == bad_input);
  CHECK(refused(7) == bad_input);
  CHECK(refused(std::vector<std::string>(2'049, "a")) == bad_input);
  CHECK(refused(nullptr) == "you must provide an input parameter");
  CHECK(world.embed(std::vector<std::string>(2'048, "a"))->status == 200);

  CHECK(world.embed(std::vector<int>(8'192, 64))->status == 200);
  CHECK(refused(std::vector<int>(8'193, 64)) ==
        "This model's maximum context length is 8192 tokens, however you requested 8193 tokens "
        "(8193 in your prompt; 0 for the completion). Please reduce your prompt; or completion "
        "length.");
  const std::vector<int> thousand(1'000, 64);
  CHECK(world.embed(std::vector<std::vector<int>>(300, thousand))->status == 200);
  CHECK(refused(std::vector<std::vector<int>>(301, thousand)) ==
        "Requested 301000 tokens, max 300000 tokens per request");
  // Few tokens, but many bytes: a run of blanks is one token.
  const std::string blanks(60'000, ' ');
  CHECK(world.embed(std::vector<std::string>(20, blanks))->status == 200);
  const HttpResponse estimated = world.embed(std::vector<std::string>(21, blanks)).value();
  CHECK(estimated.status == 400);
  CHECK(message_of(estimated) == "Requested 315000 tokens, max 300000 tokens per request");
  CHECK(Json::parse(estimated.body)["error"]["type"] == "max_tokens_per_request");
}

TEST_CASE("emulator: parameters that make no sense are refused") {
  World world;
  const auto refused = [&](const std::string& body) {
    const HttpResponse response = world.embed_raw(body).value();
    INFO(body);
    CHECK(response.status == 400);
    return message_of(response);
  };
  CHECK_THAT(refused("{\"input\":"), StartsWith("We could not parse the JSON body"));
  CHECK_THAT(refused("[]"), StartsWith("We could not parse the JSON body"));
  CHECK(refused(R"({"input":"a"})") == "you must provide a model parameter");
  CHECK(refused(R"({"input":"a","model":""})") == "invalid model ID");
  CHECK(refused(R"({"input":"a","model":7})") == "invalid model ID");
  CHECK(refused(R"({"input":"a","model":"m","encoding_format":"hex"})") ==
        "'encoding_format' is neither 'float' nor 'base64'");
  CHECK(refused(R"({"input":"a","model":"m","dimensions":"8"})") ==
        "'dimensions' is not a positive integer");
  CHECK(refused(R"({"input":"a","model":"m","dimensions":0})") ==
        "m makes no vectors of 0 dimensions");
  CHECK(refused(R"({"input":"a","model":"text-embedding-3-small","dimensions":1537})") ==
        "text-embedding-3-small makes no vectors of 1537 dimensions");
  CHECK(refused(R"({"input":"a","model":"text-embedding-ada-002","dimensions":512})") ==
        "text-embedding-ada-002 makes no vectors of 512 dimensions");
  CHECK(refused(R"({"input":"a","model":"m","dimension":512})") ==
        "Unrecognized request argument supplied: dimension");
  CHECK(world.stats()["refused"] == 11);
  CHECK(world.stats()["requests"] == 11);
  CHECK(world.stats()["tokens"] == 0);
}

TEST_CASE("emulator: paths and methods that there are not") {
  World world;
  CHECK(world.control("GET", "/").status == 200);
  CHECK(world.control("GET", "/v1/models").status == 200);
  CHECK(world.control("POST", "/other/embeddings").status == 400);
  CHECK(world.control("GET", "/nothing").status == 404);
  CHECK(world.control("GET", "/v1/embeddings").status == 405);
  CHECK(world.control("GET", "/v1/embeddings").headers.find("allow") == "POST");
  CHECK(world.control("POST", "/stats").status == 405);
  CHECK(world.control("POST", "/outage?seconds=soon").status == 400);
}

TEST_CASE("emulator: with keys only those are taken and each has its limits") {
  World world({.keys = {{"a", {2, 1'000}}, {"b", {9, 2'000}}}});
  CHECK(world.embed("x", "a")->headers.find("x-ratelimit-limit-tokens") == "1000");
  CHECK(world.embed("x", "b")->headers.find("x-ratelimit-limit-tokens") == "2000");
  CHECK(world.embed("x", "a")->status == 200);
  CHECK(world.embed("x", "a")->status == 429);
  CHECK(world.embed("x", "b")->status == 200);
  const HttpResponse unknown = world.embed("x", "secret").value();
  CHECK(unknown.status == 401);
  CHECK(Json::parse(unknown.body)["error"]["code"] == "invalid_api_key");
  CHECK(world.embed("x")->status == 401);
  const Json stats = world.stats();
  CHECK(stats["keys"]["a"]["requests"] == 2);
  CHECK(stats["keys"]["b"]["requests"] == 2);
  CHECK(stats["keys"].size() == 2);
}

TEST_CASE("emulator: without keys each that is sent is one and no secret is told") {
  World world({.limits = {1, 1'000}});
  CHECK(world.embed("x", "sk-private")->status == 200);
  CHECK(world.embed("x", "sk-private")->status == 429);
  CHECK(world.embed("x", "sk-other")->status == 200);
  CHECK(world.embed("x")->status == 200);
  const HttpResponse stats = world.control("GET", "/stats");
  CHECK(stats.body.find("sk-") == std::string::npos);
  const Json keys = Json::parse(stats.body)["keys"];
  CHECK(keys["key-1"]["violations"] == 1);
  CHECK(keys["key-2"]["violations"] == 0);
  CHECK(keys["none"]["requests"] == 1);
}

TEST_CASE("emulator: keys are bounded") {
  World world;
  for (int i = 0; i < 100; ++i) REQUIRE(world.embed("x", std::to_string(i))->status == 200);
  CHECK(world.embed("x", "one more")->status == 401);
  CHECK(world.embed("x", "0")->status == 200);
}

TEST_CASE("emulator: a quota that is used up is answered 429 until it has come back") {
  World world({.limits = {100, 600}});
  CHECK(world.embed(std::vector<int>(600, 64))->status == 200);
  const HttpResponse refused = world.embed(std::vector<int>(50, 64)).value();
  CHECK(refused.status == 429);
  CHECK(message_of(refused) ==
        "Rate limit reached for text-embedding-3-small in organization org-emulated on tokens per "
        "min (TPM): Limit 600, Used 600, Requested 50. Please try again in 5s.");
  CHECK(refused.headers.find("retry-after") == "5");
  CHECK(refused.headers.find("retry-after-ms") == "5000");
  CHECK(refused.headers.find("x-ratelimit-remaining-requests") == "98");
  CHECK(refused.headers.find("x-ratelimit-remaining-tokens") == "0");
  CHECK(refused.headers.find("x-ratelimit-reset-tokens") == "1m0s");
  world.pass(5s);
  CHECK(world.embed(std::vector<int>(50, 64))->status == 200);
  CHECK(world.stats()["violations"] == 1);
  CHECK(world.stats()["max_overshoot_tokens"] == 100);
}

TEST_CASE("emulator: faults that are answers") {
  const auto [kind, status, wait_ms] = GENERATE(table<FaultKind, int, std::string>({
      {FaultKind::rate_limited, 429, "200"},
      {FaultKind::rate_limited_bare, 429, ""},
      {FaultKind::server_error, 500, ""},
      {FaultKind::unavailable, 503, "1000"},
  }));
  INFO(name_of(kind));
  World world({.fault_fraction = 1, .fault_kinds = {kind}});
  const HttpResponse response = world.embed("x y").value();
  CHECK(response.status == status);
  CHECK(response.headers.find("retry-after-ms").value_or("") == wait_ms);
  CHECK(response.headers.find("retry-after").has_value() == !wait_ms.empty());
  CHECK(response.headers.find("x-ratelimit-limit-tokens").has_value() ==
        (kind != FaultKind::rate_limited_bare));
  CHECK_FALSE(message_of(response).empty());
  const Json stats = world.stats();
  CHECK(stats["faults"][std::string(name_of(kind))] == 1);
  CHECK(stats["tokens"] == 2);
  CHECK(stats["answered_tokens"] == 0);
  CHECK(stats["violations"] == 0);
}

TEST_CASE("emulator: faults that leave the client without an answer") {
  const FaultKind kind = GENERATE(FaultKind::reset, FaultKind::stall, FaultKind::truncated);
  INFO(name_of(kind));
  World world({.fault_fraction = 1, .fault_kinds = {kind}});
  const Result<HttpResponse> response = world.embed("x");
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().kind == ErrorKind::retryable);
  CHECK(world.stats()["faults"][std::string(name_of(kind))] == 1);
}

TEST_CASE("emulator: a hanging request is answered by nothing") {
  World world({.fault_fraction = 1, .fault_kinds = {FaultKind::hang}});
  HttpClientOptions options;
  options.total_timeout = 200ms;
  HttpClient client(options);
  std::promise<Result<HttpResponse>> answered;
  client.send({"POST", world.emulator().url() + "/embeddings", {}, R"({"input":"x","model":"m"})"},
              [&](Result<HttpResponse> response) { answered.set_value(std::move(response)); });
  CHECK_FALSE(answered.get_future().get().has_value());
  // It hangs for itself: others are served.
  CHECK(world.stats()["faults"]["hang"] == 1);
}

TEST_CASE("emulator: faults of the body") {
  const auto body = [](FaultKind kind, const Json& input) {
    World world({.fault_fraction = 1, .fault_kinds = {kind}});
    const HttpResponse response = world.embed(input).value();
    CHECK(response.status == 200);
    return response.body;
  };
  CHECK_FALSE(Json::accept(body(FaultKind::malformed, {"a", "b"})));

  CHECK(Json::parse(body(FaultKind::wrong_count, {"a", "b"}))["data"].size() == 1);
  CHECK(Json::parse(body(FaultKind::wrong_count, "a"))["data"].empty());

  const Json short_one = Json::parse(body(FaultKind::wrong_dimension, {"a", "b"}))["data"];
  CHECK(short_one[0]["embedding"].size() == 8);
  CHECK(short_one[1]["embedding"].size() == 7);

  const Json twice = Json::parse(body(FaultKind::duplicate_index, {"a", "b"}))["data"];
  REQUIRE(twice.size() == 2);
  CHECK(twice[1]["index"] == 0);
  const Json single = Json::parse(body(FaultKind::duplicate_index, "a"))["data"];
  REQUIRE(single.size() == 2);
  CHECK(single[1]["index"] == 0);
}

TEST_CASE("emulator: the same seed and order of requests give the same answers") {
  const auto statuses = [](std::uint64_t seed) {
    World world({.fault_fraction = 0.5,
                 .fault_kinds = {FaultKind::server_error, FaultKind::rate_limited},
                 .seed = seed});
    std::vector<int> all;
    for (int i = 0; i < 30; ++i) all.push_back(world.embed("x")->status);
    return all;
  };
  const std::vector<int> first = statuses(5);
  CHECK(statuses(5) == first);
  CHECK(statuses(6) != first);
}

TEST_CASE("emulator: an input that the model does not take spoils its request") {
  World world({.poison = "arsenic", .poison_500 = "cyanide"});
  CHECK(world.embed({"bread", "arsenic and lace"})->status == 400);
  CHECK(world.embed({"cyanide", "bread"})->status == 500);
  CHECK(world.embed({"bread", "lace"})->status == 200);
  const Json stats = world.stats();
  CHECK(stats["refused"] == 1);
  CHECK(stats["poisoned"] == 1);
  CHECK(stats["answered"] == 1);
}

TEST_CASE("emulator: an outage lasts as long as it was told") {
  World world;
  CHECK(world.control("POST", "/outage?seconds=30").status == 200);
  world.pass(29s);
  const HttpResponse out = world.embed("x").value();
  CHECK(out.status == 503);
  CHECK_FALSE(out.headers.find("x-ratelimit-limit-tokens").has_value());
  world.pass(1s);
  CHECK(world.embed("x")->status == 200);
  CHECK(world.stats()["outage"] == 1);
  CHECK(world.stats()["requests"] == 2);
}

TEST_CASE("emulator: statistics tell what was used and begin anew when they are told to") {
  World world({.limits = {60, 600}});
  world.embed({"a", "b"});
  world.pass(30s);
  world.embed("c");
  const Json stats = world.stats();
  CHECK(stats["seconds"] == 30);
  CHECK(stats["requests"] == 2);
  CHECK(stats["tokens"] == 3);
  CHECK(stats["inputs"] == 3);
  CHECK(stats["answered"] == 2);
  CHECK(stats["answered_inputs"] == 3);
  CHECK(stats["answered_tokens"] == 3);
  CHECK(stats["permitted_requests"] == 30);
  CHECK(stats["permitted_tokens"] == 300);
  CHECK(stats["utilisation"] == 0.01);
  CHECK(stats["steady_utilisation"].is_null());
  const Json history = Json::parse(world.control("GET", "/stats/history").body);
  CHECK(history["first_second"] == 0);
  CHECK(history["keys"]["none"]["tokens"].size() == 31);
  CHECK(history["keys"]["none"]["tokens"][30] == 1);

  CHECK(world.control("POST", "/stats/reset").status == 200);
  CHECK(world.stats()["requests"] == 0);
  CHECK(world.stats()["answered"] == 0);
  CHECK(world.stats()["keys"].empty());
  CHECK(Json::parse(world.control("GET", "/stats/history").body)["keys"].empty());
  CHECK(world.emulator().stop().quota.requests == 0);
}

}  // namespace
}  // namespace penstock
