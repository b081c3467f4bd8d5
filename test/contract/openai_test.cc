#include <cmath>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/backends/local/lexical_embedder.h"
#include "engine/backends/openai/openai_embedder.h"
#include "engine/http/http_server.h"
#include "test/contract/embedder_contract.h"
#include "test/support/base64.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

using nlohmann::json;

struct Reply {
  int status = 200;
  std::string body;
  HttpHeaders headers;
};

// A service that embeds as `lexical:` does, unless it is told what to answer next.
class Service {
 public:
  Service()
      : server_({}, [this](const ServedRequest& request, const Responder& responder) {
          const Reply reply = answer(request);
          if (reply.status == reset) {
            responder.abort();
          } else if (reply.status > 0) {
            responder.respond(reply.status, reply.headers, reply.body);
          } else {
            const std::lock_guard lock(mutex_);
            unanswered_.push_back(responder);
          }
        }) {}

  static constexpr int reset = 0;    // as a status: closes the connection
  static constexpr int silent = -1;  // never answers

  void answer_next(Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
  }
  void accept_numbers_only() { numbers_only_ = true; }

  std::string address() const { return "http://" + server_.address(); }
  std::size_t request_count() const {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }
  ServedRequest last_request() const {
    const std::lock_guard lock(mutex_);
    return requests_.back();
  }

 private:
  Reply answer(const ServedRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (!replies_.empty()) {
      Reply reply = std::move(replies_.front());
      replies_.pop_front();
      return reply;
    }
    const json asked = json::parse(request.body);
    const bool base64 = asked.at("encoding_format") == "base64";
    if (base64 && numbers_only_)
      return {400, R"({"error":{"message":"Unsupported encoding_format.","code":null}})", {}};
    return {200, embed(asked, base64), {}};
  }

  static std::string embed(const json& asked, bool base64) {
    const auto texts = asked.at("input").get<std::vector<std::string>>();
    LexicalEmbedder lexical;
    std::vector<float> rows;
    lexical.embed({texts.begin(), texts.end()}, 0,
                  [&](Embedding embedding) { rows = std::move(embedding.vectors); });
    json data = json::array();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto row = std::span(rows).subspan(i * lexical.dimensions(), lexical.dimensions());
      json entry = {{"object", "embedding"}, {"index", i}};
      if (base64) {
        entry["embedding"] = base64_of(row);
      } else {
        entry["embedding"] = std::vector<float>(row.begin(), row.end());
      }
      data.push_back(std::move(entry));
    }
    return json{{"object", "list"},
                {"data", std::move(data)},
                {"usage", {{"prompt_tokens", 5}, {"total_tokens", 5}}}}
        .dump();
  }

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<Reply> replies_;
  std::vector<ServedRequest> requests_;
  std::vector<Responder> unanswered_;
  std::atomic<bool> numbers_only_ = false;
  HttpServer server_;  // last: its thread uses the rest
};

OpenAiOptions options_for(const Service& service) {
  OpenAiOptions options;
  options.base_url = service.address() + "/v1";
  options.model = "lexical";
  options.dimensions = 384;
  options.keys = {{"a", 0, 0, Secret("hunter2")}, {"b", 0, 0, Secret("swordfish")}};
  return options;
}

std::future<Embedding> start(Embedder& embedder, std::vector<std::string_view> inputs,
                             std::size_t key = 0) {
  auto promise = std::make_shared<std::promise<Embedding>>();
  std::future<Embedding> future = promise->get_future();
  embedder.embed(std::move(inputs), key,
                 [promise](Embedding embedding) { promise->set_value(std::move(embedding)); });
  return future;
}

Embedding embed(Embedder& embedder, std::vector<std::string_view> inputs = {"a"},
                std::size_t key = 0) {
  return start(embedder, std::move(inputs), key).get();
}

std::string fatal_message(const OpenAiOptions& options) {
  try {
    const OpenAiEmbedder embedder(options);
  } catch (const FatalError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("openai: keeps the contract of an embedder") {
  Service service;
  OpenAiOptions options = options_for(service);
  SECTION("with base64") {
    OpenAiEmbedder embedder(options);
    run_embedder_contract(embedder);
  }
  SECTION("with numbers") {
    service.accept_numbers_only();
    OpenAiEmbedder embedder(options);
    run_embedder_contract(embedder);
  }
  SECTION("with a dimension that was learned") {
    options.dimensions = 0;
    OpenAiEmbedder embedder(options);
    CHECK(embedder.dimensions() == 384);
    run_embedder_contract(embedder);
  }
}

TEST_CASE("openai: a request names the model and carries the key of its index") {
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  CHECK(embed(embedder, {"one", "two"}, 1).receipt.answer == Answer::embedded);
  const ServedRequest request = service.last_request();
  CHECK(request.method == "POST");
  CHECK(request.target == "/v1/embeddings");
  CHECK(request.headers.find("content-type") == "application/json");
  CHECK(request.headers.find("authorization") == "Bearer swordfish");
  CHECK(request.headers.find("api-key") == std::nullopt);
  CHECK(request.body == R"({"input":["one","two"],"model":"lexical","encoding_format":"base64"})");
}

TEST_CASE("openai: dimensions are asked for only where that is wanted") {
  Service service;
  OpenAiOptions options = options_for(service);
  options.send_dimensions = true;
  OpenAiEmbedder embedder(options);
  embed(embedder);
  CHECK(json::parse(service.last_request().body).at("dimensions") == 384);
}

TEST_CASE("openai: a service that wants no key gets none") {
  Service service;
  OpenAiOptions options = options_for(service);
  SECTION("no keys") {
    options.keys = {};
  }
  SECTION("a key without a secret") {
    options.keys = {{"default", 0, 0, {}}};
  }
  OpenAiEmbedder embedder(options);
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  CHECK(service.last_request().headers.find("authorization") == std::nullopt);
}

TEST_CASE("openai: Azure gets the key its own way and keeps its query") {
  Service service;
  OpenAiOptions options = options_for(service);
  options.base_url = service.address() + "/openai/deployments/d?api-version=2024-10-21";
  OpenAiEmbedder embedder(options);
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  const ServedRequest request = service.last_request();
  CHECK(request.target == "/openai/deployments/d/embeddings?api-version=2024-10-21");
  CHECK(request.headers.find("api-key") == "hunter2");
  CHECK(request.headers.find("authorization") == std::nullopt);
}

TEST_CASE("openai: a model's name holds its dimension and not its address") {
  Service service;
  OpenAiOptions options = options_for(service);
  CHECK(OpenAiEmbedder(options).model() == "openai:lexical/384");
  options.dimensions = 0;
  options.model = "text-embedding-3-small";
  CHECK(OpenAiEmbedder(options).model() == "openai:text-embedding-3-small/1536");
  options.model = "text-embedding-3-large";
  CHECK(OpenAiEmbedder(options).dimensions() == 3072);
  CHECK(service.request_count() == 0);
}

TEST_CASE("openai: a dimension that cannot be learned ends the start") {
  Service service;
  OpenAiOptions options = options_for(service);
  options.dimensions = 0;
  service.answer_next({404, R"({"error":{"message":"The model `lexical` does not exist."}})", {}});
  CHECK(fatal_message(options) ==
        "cannot learn how many dimensions lexical has; give them, or mend this: " +
            service.address() + "/v1/embeddings: HTTP 404: The model `lexical` does not exist.");
}

TEST_CASE("openai: options that make no sense end the start") {
  Service service;
  OpenAiOptions options = options_for(service);
  options.model = "";
  CHECK(fatal_message(options) ==
        "no embedding model is named: give one, such as text-embedding-3-small");
  options = options_for(service);
  options.send_dimensions = true;
  options.dimensions = 0;
  CHECK(fatal_message(options) == "dimensions are to be asked for, but none are given");
}

TEST_CASE("openai: a service that refuses base64 is asked for numbers from then on") {
  Service service;
  service.accept_numbers_only();
  OpenAiEmbedder embedder(options_for(service));
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  CHECK(service.request_count() == 2);
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  CHECK(service.request_count() == 3);
  service.answer_next({400, "encoding_format", {}});
  CHECK(embed(embedder).receipt.answer == Answer::refused_input);
  CHECK(service.request_count() == 4);
}

TEST_CASE("openai: a service that took base64 once is not asked for numbers") {
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  service.answer_next({400, "encoding_format", {}});
  CHECK(embed(embedder).receipt.answer == Answer::refused_input);
  CHECK(service.request_count() == 2);
}

TEST_CASE("openai: a receipt says what the request cost and what is left") {
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  const Embedding plain = embed(embedder);
  CHECK(plain.receipt.tokens == 5U);
  CHECK(plain.receipt.limits.tokens_left == std::nullopt);
  CHECK(plain.message.empty());
  service.answer_next(
      {429,
       R"({"error":{"message":"Please try again in 510ms.","type":"tokens"}})",
       {{"x-ratelimit-limit-tokens", "1000000"}, {"x-ratelimit-remaining-tokens", "12"}}});
  const Embedding limited = embed(embedder);
  CHECK(limited.receipt.answer == Answer::rate_limited);
  CHECK(limited.receipt.limits.tokens_per_minute == 1'000'000U);
  CHECK(limited.receipt.limits.tokens_left == 12U);
  CHECK(limited.receipt.limits.retry_after == std::chrono::milliseconds(510));
  CHECK(limited.vectors.empty());
}

TEST_CASE("openai: each status says whose fault it is") {
  struct Case {
    int status;
    const char* body;
    Answer answer;
  };
  const Case cases[] = {
      {201, "{}", Answer::nonsense},
      {204, "", Answer::nonsense},
      {301, "", Answer::misconfigured},
      {307, "", Answer::misconfigured},
      {400, R"({"error":{"message":"maximum context length","code":null}})", Answer::refused_input},
      {400, R"({"error":{"message":"no","param":"dimensions"}})", Answer::misconfigured},
      {400, R"({"error":{"message":"no","code":"model_not_found"}})", Answer::misconfigured},
      {400, R"({"error":{"code":"billing_hard_limit_reached"}})", Answer::key_refused},
      {401, "", Answer::key_refused},
      {402, "", Answer::key_refused},
      {403, "", Answer::key_refused},
      {404, "", Answer::misconfigured},
      {405, "", Answer::misconfigured},
      {407, "", Answer::misconfigured},
      {408, "", Answer::failed},
      {409, "", Answer::failed},
      {410, "", Answer::misconfigured},
      {413, "", Answer::refused_input},
      {418, "", Answer::nonsense},
      {422, "", Answer::refused_input},
      {425, "", Answer::failed},
      {429, "", Answer::rate_limited},
      {429, R"({"error":{"code":"rate_limit_exceeded"}})", Answer::rate_limited},
      {429, R"({"error":{"code":"insufficient_quota"}})", Answer::key_refused},
      {429, R"({"error":{"type":"insufficient_quota","code":null}})", Answer::key_refused},
      {429, R"({"error":{"code":"billing_not_active"}})", Answer::key_refused},
      {500, "", Answer::failed},
      {502, "<html>Bad Gateway</html>", Answer::failed},
      {503, "", Answer::failed},
      {529, "", Answer::failed},
      {200, "{}", Answer::nonsense},
      {200, "<html>", Answer::nonsense},
      {200, R"({"error":{"message":"overloaded"}})", Answer::nonsense},
      {200, R"({"data":[{"embedding":[1,0],"index":0}]})", Answer::nonsense},
  };
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  for (const Case& each : cases) {
    INFO(each.status << ' ' << each.body);
    service.answer_next({each.status, each.body, {}});
    const Embedding embedding = embed(embedder);
    CHECK(embedding.receipt.answer == each.answer);
    CHECK(embedding.vectors.empty());
    CHECK_THAT(embedding.message, Catch::Matchers::StartsWith(service.address()));
  }
  CHECK(service.request_count() == std::size(cases));
}

TEST_CASE("openai: a service that has worked is not misconfigured but failing") {
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  service.answer_next({404, "", {}});
  CHECK(embed(embedder).receipt.answer == Answer::misconfigured);
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  service.answer_next({404, "", {}});
  CHECK(embed(embedder).receipt.answer == Answer::failed);
}

TEST_CASE("openai: messages name the endpoint and never a secret") {
  Service service;
  OpenAiOptions options = options_for(service);
  options.base_url += "?code=in-the-query";
  OpenAiEmbedder embedder(options);
  const std::string endpoint = service.address() + "/v1/embeddings: ";
  const auto message = [&](int status, const std::string& body) {
    service.answer_next({status, body, {}});
    const std::string text = embed(embedder).message;
    REQUIRE(text.starts_with(endpoint));
    return text.substr(endpoint.size());
  };
  CHECK(message(503, "") == "HTTP 503");
  CHECK(message(502, "<html>Bad Gateway</html>") == "HTTP 502");
  CHECK(message(400, R"({"error":{"message":"too\nlong"}})") == "HTTP 400: too long");
  CHECK(message(401,
                R"({"error":{"message":"Incorrect: hunter2, swordfish, sk-abc***d. Mend it."}})") ==
        "HTTP 401: Incorrect: [redacted], [redacted], [redacted]. Mend it.");
  CHECK(message(200, R"({"error":"hunter2 is overloaded"})") ==
        "HTTP 200, but an error came instead of embeddings: [redacted] is overloaded");
  CHECK(message(200, R"({"data":[{"embedding":[1,0]}]})") ==
        "HTTP 200, but embedding 0 has 2 dimensions instead of 384");
}

TEST_CASE("openai: nobody at the address is a failure of the endpoint") {
  auto service = std::make_unique<Service>();
  const std::string address = service->address();
  OpenAiEmbedder embedder(options_for(*service));
  service.reset();
  const Embedding embedding = embed(embedder);
  CHECK(embedding.receipt.answer == Answer::failed);
  CHECK_THAT(embedding.message, Catch::Matchers::StartsWith(address));
}

TEST_CASE("openai: a connection that breaks is a failure of the endpoint") {
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  service.answer_next({Service::reset, "", {}});
  CHECK(embed(embedder).receipt.answer == Answer::failed);
  CHECK(embed(embedder).receipt.answer == Answer::embedded);
  CHECK(service.request_count() == 2);
}

TEST_CASE("openai: many requests at once each get their own answer") {
  Service service;
  OpenAiEmbedder embedder(options_for(service));
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back("text number " + std::to_string(i));
  std::vector<std::future<Embedding>> futures;
  for (const std::string& text : texts) futures.push_back(start(embedder, {text}));
  LexicalEmbedder lexical;
  for (std::size_t i = 0; i < texts.size(); ++i)
    CHECK(futures[i].get().vectors == embed(lexical, {texts[i]}).vectors);
}

TEST_CASE("openai: an embedder that goes away answers what is under way") {
  Service service;
  service.answer_next({Service::silent, "", {}});
  std::future<Embedding> future;
  {
    OpenAiEmbedder embedder(options_for(service));
    future = start(embedder, {"a"});
  }
  CHECK(future.get().receipt.answer == Answer::failed);
}

}  // namespace
}  // namespace penstock
