// What a client posts to the emulated embedding service, and what it is answered.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "loadgen/emulate/embeddings_answer.h"
#include "loadgen/emulate/embeddings_request.h"
#include "test/fuzz/require.h"

namespace penstock {
namespace {

void check_request(const std::string& body) {
  static const Tokenizer tokenizer(Encoding::cl100k_base);
  const auto request = parse_embeddings_request(body, tokenizer);
  if (!request) {
    REQUIRE(request.error().status == 400);
    REQUIRE(nlohmann::json::parse(to_json(request.error()))["error"].size() == 4);
    return;
  }
  REQUIRE(!request->inputs.empty() && request->inputs.size() <= request_inputs_max);
  REQUIRE(request->tokens >= request->inputs.size() && request->tokens <= request_tokens_max);
  const nlohmann::json answer = nlohmann::json::parse(embeddings_answer(*request));
  REQUIRE(answer["data"].size() == request->inputs.size());
  REQUIRE(answer["model"] == request->model);
  if (!request->base64) REQUIRE(answer["data"][0]["embedding"].size() == request->dimensions);
}

}  // namespace
}  // namespace penstock

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::check_request({reinterpret_cast<const char*>(data), size});
  return 0;
}
