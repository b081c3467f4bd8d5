#include "engine/backends/openai/embedding_request.h"

#include <vector>

#include "engine/backends/openai/endpoint.h"
#include "engine/core/error.h"
#include "test/support/catch.h"

namespace penstock {
namespace {

std::string request(const std::vector<std::string_view>& inputs) {
  return embedding_request(inputs, "m", EmbeddingEncoding::base64, std::nullopt);
}

TEST_CASE("embedding request: inputs and the model and how to answer") {
  CHECK(request({"a", "b c"}) == R"({"input":["a","b c"],"model":"m","encoding_format":"base64"})");
  const std::vector<std::string_view> inputs = {"["};
  CHECK(embedding_request(inputs, R"(a"b)", EmbeddingEncoding::floats, 256) ==
        R"({"input":["["],"model":"a\"b","encoding_format":"float","dimensions":256})");
}

TEST_CASE("embedding request: what JSON wants escaped is escaped and nothing else") {
  using namespace std::string_view_literals;
  CHECK(request({"\"\\/\b\f\n\r\t"sv, "\0\x01\x1F\x7F"sv, "水é\U0001F600\u2028"sv}) ==
        "{\"input\":[\"\\\"\\\\/\\b\\f\\n\\r\\t\",\"\\u0000\\u0001\\u001f\x7F\","
        "\"水é\U0001F600\u2028\"],\"model\":\"m\",\"encoding_format\":\"base64\"}");
}

TEST_CASE("endpoint: embeddings are asked for below the base URL") {
  const Endpoint openai = embeddings_endpoint("https://api.openai.com/v1");
  CHECK(openai.url == "https://api.openai.com/v1/embeddings");
  CHECK(openai.name == openai.url);
  CHECK_FALSE(openai.azure);
  CHECK(embeddings_endpoint("http://127.0.0.1:8001/").url == "http://127.0.0.1:8001/embeddings");
  CHECK(embeddings_endpoint("http://[::1]:80/v1/embeddings").url ==
        "http://[::1]:80/v1/embeddings");
}

TEST_CASE("endpoint: a query stays behind the path and out of messages") {
  const Endpoint azure =
      embeddings_endpoint("https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21");
  CHECK(azure.url ==
        "https://x.openai.azure.com/openai/deployments/d/embeddings?api-version=2024-10-21");
  CHECK(azure.name == "https://x.openai.azure.com/openai/deployments/d/embeddings");
  CHECK(azure.azure);
  CHECK_FALSE(embeddings_endpoint("https://proxy/v1?my-api-version=1").azure);
}

TEST_CASE("endpoint: what is no address of a service is refused") {
  for (const char* bad : {"", "api.openai.com/v1", "ftp://host/v1", "http://", "http:///v1",
                          "http://:80/v1", "https://user:hunter2@host/v1", "https://host/v1#top",
                          "https://host/a b", "https://host/\r\nX: y"}) {
    INFO(bad);
    try {
      embeddings_endpoint(bad);
      FAIL_CHECK("it was accepted");
    } catch (const FatalError& error) {
      CHECK(std::string(error.what()).find("hunter2") == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace penstock
